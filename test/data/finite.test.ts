import { expect, test } from 'vitest';
import { assertFinite } from '../../src/data/finite.js';
import type { StoredTensor } from '../../src/data/safetensors.js';

const F32 = (...values: number[]): StoredTensor => ({
  dtype: 'F32',
  shape: [values.length],
  data: Float32Array.from(values),
});
const bits = (dtype: 'F16' | 'BF16', ...values: number[]): StoredTensor => ({
  dtype,
  shape: [values.length],
  data: Uint16Array.from(values),
});

test('finite values of every type pass', () => {
  const largest = [0x7bff, 0xfbff]; // ±65504
  assertFinite('f', [
    ['a', F32(0, -3e38, 1e-40)],
    ['b', bits('F16', ...largest)],
    ['c', bits('BF16', 0x7f7f, 0xff7f)],
    ['d', { dtype: 'I32', shape: [1], data: Int32Array.of(0x7f80_0000) }],
    ['e', { dtype: 'U16', shape: [1], data: Uint16Array.of(0x7c00) }],
  ]);
});

test.each<[string, StoredTensor, string]>([
  ['NaN', F32(1, 2, Number.NaN), 'head.bias[2] is NaN'],
  ['an infinity', F32(-Infinity), 'head.bias[0] is -Infinity'],
  ['a 64-bit one', { dtype: 'F64', shape: [1], data: Float64Array.of(Infinity) }, 'head.bias[0] is Infinity'],
  ['an infinite half', bits('F16', 0, 0xfc00), 'head.bias[1] is NaN or infinite'],
  ['a half that is NaN', bits('F16', 0x7e00), 'head.bias[0] is NaN or infinite'],
  ['a bfloat16', bits('BF16', 0x7fc0), 'head.bias[0] is NaN or infinite'],
])('%s is refused with file, tensor and element', (_, tensor, message) => {
  expect(() =>
    assertFinite('run/x.safetensors', [
      ['first', F32(0)],
      ['head.bias', tensor],
    ]),
  ).toThrow(`run/x.safetensors: ${message}; weights are finite`);
});
