import { globals } from 'webgpu';

const { GPUAdapter, GPUCommandEncoder, GPUQueue } = globals;

/**
 * Destroys the devices that are opened from now on, after so many training steps each: [3, 1] is two devices; 0 is one that is
 * lost as soon as it is open. In a process of its own it is loaded before the command, with LOSE_AFTER=3,1.
 * @param {number[]} after
 * @returns a function that puts back what it has replaced
 */
export function loseDevices(after) {
  const { requestDevice } = GPUAdapter.prototype;
  const { finish } = GPUCommandEncoder.prototype;
  const { submit } = GPUQueue.prototype;
  const left = [...after];
  /** Commands with a kernel of every optimizer's, which runs once a step: how many submits a step takes is the trainer's own business. */
  const steps = new WeakSet();
  let device;
  let count = 0;
  const lose = () => {
    left.shift();
    device.destroy();
  };
  GPUAdapter.prototype.requestDevice = async function (...given) {
    device = await requestDevice.apply(this, given);
    count = 0;
    if (left[0] === 0) lose();
    return device;
  };
  GPUCommandEncoder.prototype.finish = function (description) {
    const commands = finish.call(this, description);
    if (description?.label.split(', ').includes('gradientNorm')) steps.add(commands);
    return commands;
  };
  GPUQueue.prototype.submit = function (all) {
    submit.call(this, all);
    if (all.some((commands) => steps.has(commands)) && ++count === left[0]) lose();
  };
  return () => {
    GPUAdapter.prototype.requestDevice = requestDevice;
    GPUCommandEncoder.prototype.finish = finish;
    GPUQueue.prototype.submit = submit;
  };
}

if (process.env.LOSE_AFTER) loseDevices(process.env.LOSE_AFTER.split(',').map(Number));
