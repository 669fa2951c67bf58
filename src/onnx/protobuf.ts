import type { onnx } from 'onnx-proto';

/** ONNX's messages as protobuf, loaded when a model is first read or written. */
export async function protobuf(): Promise<typeof onnx> {
  // A CommonJS package: in Node its names are on the default export, from a bundler they may be on the module itself.
  const loaded = await import('onnx-proto');
  return loaded.onnx ?? (loaded as unknown as { default: typeof loaded }).default.onnx;
}
