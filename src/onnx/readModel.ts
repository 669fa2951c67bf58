import { readFile } from 'node:fs/promises';
import { InputError } from '../util/error.js';
import { withWeightsInside } from './externalData.js';
import { noModel } from './protobuf.js';

/**
 * Reads an ONNX model, with the weights that it keeps in files beside it (the default of PyTorch's exporter) inside.
 * @param file path of an .onnx file
 * @returns what `OnnxModel.open` takes: the bytes, and the path for its messages
 * @throws InputError when a file is missing or cut short, or it is no ONNX model
 */
export async function readModel(file: string): Promise<{ model: Uint8Array; name: string }> {
  const model = await readFile(file).catch((error: Error) => {
    throw new InputError(`${file} cannot be read (${error.message}); give the path of an .onnx file.`);
  });
  try {
    return { model: await withWeightsInside(model, file), name: file };
  } catch (error) {
    if (error instanceof RangeError) throw noModel(file);
    throw error;
  }
}
