/** Loaded before a command: destroys its device after LOSE_AFTER submits, and as many devices as LOSE_DEVICES says. */
import { globals } from 'webgpu';

const { GPUAdapter, GPUQueue } = globals;
const { requestDevice } = GPUAdapter.prototype;
const { submit } = GPUQueue.prototype;
let device;
let submits = 0;
let left = Number(process.env.LOSE_DEVICES);

GPUAdapter.prototype.requestDevice = async function (...given) {
  device = await requestDevice.apply(this, given);
  submits = 0;
  return device;
};
GPUQueue.prototype.submit = function (...given) {
  submit.apply(this, given);
  if (left > 0 && ++submits === Number(process.env.LOSE_AFTER)) {
    left--;
    device.destroy();
  }
};
