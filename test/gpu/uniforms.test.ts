import { expect, test } from 'vitest';
import { Uniforms } from '../../src/gpu/uniforms.js';

function counting() {
  const alive: string[] = [];
  const createBuffer = ({ label = '', size }: GPUBufferDescriptor) => {
    const content = new ArrayBuffer(size);
    alive.push(label);
    return { label, content, getMappedRange: () => content, unmap: () => {}, destroy: () => {} };
  };
  return { gpu: { createBuffer } as unknown as Pick<GPUDevice, 'createBuffer'>, alive };
}

const bytes = (value: number) => Uint32Array.of(value, 7).buffer;

test('equal content is one buffer, which holds it', () => {
  const { gpu, alive } = counting();
  const uniforms = new Uniforms(gpu);
  const buffer = uniforms.get(bytes(1), 'a') as unknown as { content: ArrayBuffer };
  expect(uniforms.get(bytes(1), 'b')).toBe(buffer);
  expect(new Uint32Array(buffer.content)).toEqual(Uint32Array.of(1, 7));
  expect(uniforms.get(bytes(2), 'c')).not.toBe(buffer);
  expect(alive).toEqual(['a', 'c']);
});

test('no more are kept than so many: those used last', () => {
  const { gpu, alive } = counting();
  const uniforms = new Uniforms(gpu, 3);
  for (const value of [1, 2, 3, 1, 4]) uniforms.get(bytes(value), `${value}`);
  expect(alive).toEqual(['1', '2', '3', '4']);
  for (const value of [1, 3, 4]) uniforms.get(bytes(value), 'again');
  expect(alive).toHaveLength(4);
  uniforms.get(bytes(2), 'anew');
  expect(alive.at(-1)).toBe('anew');
});
