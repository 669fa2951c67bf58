import type { onnx } from 'onnx-proto';
import { InputError } from '../util/error.js';

/** ONNX's messages as protobuf, loaded when a model is first read or written. */
export async function protobuf(): Promise<typeof onnx> {
  // A CommonJS package: in Node its names are on the default export, from a bundler they may be on the module itself.
  const loaded = await import('onnx-proto');
  return loaded.onnx ?? (loaded as unknown as { default: typeof loaded }).default.onnx;
}

/** What is said of a file of something else. */
export function noModel(name: string): InputError {
  return new InputError(`${name} is no ONNX model, or cut short; export it again.`);
}
