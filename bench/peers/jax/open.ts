import { defaultDevice, init } from '@jax-js/jax';

/**
 * Starts the WebGPU backend on `navigator.gpu` and makes it the default.
 * @throws Error when it does not start
 */
export async function openJax(): Promise<void> {
  if (!(await init('webgpu')).includes('webgpu')) throw new Error('the WebGPU backend of jax-js did not start');
  defaultDevice('webgpu');
}
