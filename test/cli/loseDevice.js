/**
 * Loaded before a command: destroys its devices after so many training steps each. LOSE_AFTER=3,1 is two devices; 0 is one that
 * is lost as soon as it is open.
 */
import { globals } from 'webgpu';

const { GPUAdapter, GPUCommandEncoder, GPUQueue } = globals;
const { requestDevice } = GPUAdapter.prototype;
const { finish } = GPUCommandEncoder.prototype;
const { submit } = GPUQueue.prototype;
const after = process.env.LOSE_AFTER.split(',').map(Number);
/** Commands with a kernel of every optimizer's, which runs once a step: how many submits a step takes is the trainer's own business. */
const steps = new WeakSet();
let device;
let count = 0;

GPUAdapter.prototype.requestDevice = async function (...given) {
  device = await requestDevice.apply(this, given);
  count = 0;
  if (after[0] === 0) lose();
  return device;
};
GPUCommandEncoder.prototype.finish = function (description) {
  const commands = finish.call(this, description);
  if (description?.label.split(', ').includes('gradientNorm')) steps.add(commands);
  return commands;
};
GPUQueue.prototype.submit = function (all) {
  submit.call(this, all);
  if (all.some((commands) => steps.has(commands)) && ++count === after[0]) lose();
};

function lose() {
  after.shift();
  device.destroy();
}
