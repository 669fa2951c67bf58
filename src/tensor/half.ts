import unpackSource from '../../shaders/tensor/unpack_half.wgsl';
import { refuse } from '../util/argument.js';
import { InputError } from '../util/error.js';
import type { Device } from './device.js';
import { openedDevice } from './deviceArgument.js';
import { assertShape, sizeOf, type Tensor } from './tensor.js';

const UNPACK = { name: 'unpack half', source: unpackSource };

/**
 * An f32 tensor of half-precision values, such as a teacher's logits kept in 16 bits: half the bytes to keep and to upload.
 * @param halves bits of IEEE 754 binary16 (of a `Float16Array`: a `Uint16Array` over its buffer); finite
 * @throws InputError when their number is not that of the shape's elements
 */
export function halfTensor(device: Device, halves: Uint16Array<ArrayBuffer>, shape: readonly number[]): Tensor {
  openedDevice('device', device);
  if (!(halves instanceof Uint16Array)) {
    refuse('halves', halves, 'a Uint16Array of the bits, of a Float16Array over its buffer');
  }
  assertShape('shape', shape);
  if (halves.length !== sizeOf(shape)) {
    throw new InputError(`halves: ${halves.length} values for a tensor of shape [${shape}] (${sizeOf(shape)}).`);
  }
  const values = device.empty(shape);
  if (halves.length === 0) return values;
  const words = Math.ceil(halves.length / 2);
  const packed = device.empty([2 * Math.ceil(words / 2)], 'u32');
  const whole = halves.length % 2 === 0 ? halves : Uint16Array.from({ length: 2 * words }, (_, i) => halves[i] ?? 0);
  device.write(packed.range.buffer, packed.offset, whole);
  const count = Math.ceil(halves.length / 4);
  device.run({
    kernel: UNPACK,
    bindings: { halves: packed.range, values: values.range4 },
    params: { count },
    invocations: count,
  });
  packed.dispose();
  return values;
}
