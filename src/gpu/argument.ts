import { kindOf, refuse } from '../util/argument.js';
import { InputError } from '../util/error.js';
import type { BufferRange, Launch } from './launch.js';

/**
 * Looks at a launch as far as no kernel has to be known; written out, for it is done some hundred times a step.
 * @throws InputError when it is none
 */
export function assertLaunch(launch: Launch): void {
  const { kernel, bindings } = (launch ?? {}) as Partial<Launch>;
  const { source } = kernel ?? {};
  if (typeof source === 'string') {
    refuse(
      'launch.kernel.source',
      source,
      'a list of parts, such as [{ code, reads, writes, uniform, params, workgroup }]',
    );
  }
  if (!Array.isArray(source)) refuse('launch.kernel', kernel, '{ name, source }, the source a list of parts');
  if (typeof bindings !== 'object' || bindings === null) refuse('launch.bindings', bindings, 'ranges by their names');
  for (const name in bindings) {
    if (isBuffer(bindings[name]?.buffer)) {
      if (!bindings[name].half || kernel?.half) continue;
      throw new InputError(`kernel ${kernel?.name}: ${name} holds f16; this kernel takes f32: storedAs(x, 'f32').`);
    }
    refuse(`launch.bindings.${name}`, bindings[name], '{ buffer, offset, size }: the .range of a tensor');
  }
}

/**
 * @param names of the arguments that give offset and size
 * @throws InputError when the range does not lie in the buffer, in whole words of 4 bytes
 */
export function assertRange(
  name: string,
  range: BufferRange,
  names: { offset: string; size: string } = { offset: 'offset', size: 'size' },
): void {
  const { buffer, offset, size } = (range ?? {}) as Partial<BufferRange>;
  if (!isBuffer(buffer)) refuse(name, range === undefined || range === null ? range : buffer, 'a GPUBuffer');
  const isWhole = (bytes: unknown): bytes is number =>
    Number.isSafeInteger(bytes) && Number(bytes) >= 0 && Number(bytes) % 4 === 0;
  if (isWhole(offset) && isWhole(size) && offset + size <= buffer.size) return;
  throw new InputError(
    `${name}: ${names.size} ${kindOf(size)} at ${names.offset} ${kindOf(offset)} of a buffer of ${buffer.size} bytes; expected a range inside of it, in multiples of 4 bytes.`,
  );
}

/** @throws InputError when it is no GPUCommandEncoder */
export function assertEncoder(encoder: unknown): void {
  if (typeof encoder === 'object' && encoder !== null && 'beginComputePass' in encoder) return;
  refuse('encoder', encoder, 'a GPUCommandEncoder: device.gpu.createCommandEncoder()');
}

/** Whether it is WebGPU's own buffer, of whatever implementation. */
export function isBuffer(value: unknown): value is GPUBuffer {
  return typeof value === 'object' && value !== null && 'mapState' in value;
}
