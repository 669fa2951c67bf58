import { type FileHandle, open, readFile, stat } from 'node:fs/promises';
import { dirname, isAbsolute, join, normalize } from 'node:path';
import { brief } from '../util/brief.js';
import { InputError } from '../util/error.js';
import { HOW, withWeightsInside } from './externalData.js';

/**
 * Reads an ONNX model, with the weights that it keeps in files beside it (the default of PyTorch's exporter) inside.
 * @param file path of an .onnx file
 * @returns what `OnnxModel.open` takes: the bytes, and the path for its messages
 * @throws InputError when a file is missing, cut short or not in the model's folder, or it is no ONNX model
 */
export async function readModel(file: string): Promise<{ model: Uint8Array; name: string }> {
  const model = await readFile(file).catch((error: Error) => {
    throw new InputError(`${file} cannot be read (${error.message}); give the path of an .onnx file.`);
  });
  const handles: FileHandle[] = [];
  const openFile = async (location: string) => {
    const handle = await openBeside(file, location);
    handles.push(handle);
    const { size } = await handle.stat();
    const read = async (offset: number, length: number) => {
      const bytes = new Uint8Array(length);
      if (length > 0) await handle.read(bytes, 0, length, offset);
      return bytes;
    };
    return { size, read };
  };
  try {
    return { model: await withWeightsInside(model, file, openFile), name: file };
  } finally {
    for (const handle of handles) await handle.close();
  }
}

async function openBeside(file: string, location: string): Promise<FileHandle> {
  const path = normalize(location);
  // A model from elsewhere must not read files outside its folder.
  if (isAbsolute(path) || path.split(/[\\/]/).includes('..')) {
    throw new InputError(
      `${file}: its weights are in ${brief(location)}, outside its folder. Put them beside it, or ${HOW}.`,
    );
  }
  const beside = join(dirname(file), path);
  const failed = (what: string, cause?: unknown) =>
    new InputError(
      `${file}: its weights are in ${brief(location)} beside it, which ${what}. Put that file there, or ${HOW}.`,
      { cause },
    );
  try {
    // Asked before it is opened: a pipe would wait for a writer.
    if ((await stat(beside)).isFile()) return await open(beside, 'r');
  } catch (error) {
    const { code, message } = error as NodeJS.ErrnoException;
    throw failed(code === 'ENOENT' ? 'is missing' : `cannot be read (${message})`, error);
  }
  throw failed('is no file');
}
