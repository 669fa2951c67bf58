import { InputError } from '../../util/error.js';
import type { DroppedFile, GivenModel } from '../protocol.js';

/** Bytes; a mapping has some kilobytes, and annotations that are larger need not be read here. */
const LARGEST_MAPPING = 2 ** 18;
const IMAGE = /\.(jpe?g|png|webp|gif|bmp|avif)$/i;
const JSON_FILE = /\.json$/i;

/** What of dropped files is what. */
export interface Sorted {
  /** An ONNX model with the files that may hold its weights, its mapping, or both. */
  given: Partial<GivenModel>;
  /** Images and annotations; empty where there are none. */
  data: DroppedFile[];
}

/**
 * Tells models, mappings and data apart: a mapping is a JSON file with the field `tensors`, or the only one beside a model without images.
 * @throws InputError when there are several models or mappings
 */
export async function sortFiles(files: readonly DroppedFile[]): Promise<Sorted> {
  const isModel = ({ path }: DroppedFile) => /\.onnx$/i.test(path);
  const models = files.filter(isModel);
  const texts = files.filter(({ path }) => JSON_FILE.test(path));
  const hasImages = files.some(isImage);
  const isOnly = models.length > 0 && texts.length === 1 && !hasImages;
  const are = await Promise.all(texts.map(isMapping));
  const mappings = isOnly ? texts : texts.filter((_, i) => are[i]);
  for (const [what, found] of Object.entries({ models, mappings })) {
    if (found.length < 2) continue;
    const names = found.map(({ file }) => file.name).join(', ');
    throw new InputError(
      `${found.length} ${what}: ${names}; drop one model with its mapping, and the teacher's in its own field.`,
    );
  }
  const [model, mapping] = [models[0], mappings[0]];
  // Exporters give files of weights any names.
  const isOther = (file: DroppedFile) => !isModel(file) && !isImage(file) && !texts.includes(file);
  const beside = model ? files.filter(isOther) : [];
  const rest = files.filter((file) => file !== model && file !== mapping);
  // A licence beside a model is no data.
  const hasData = (!model && !mapping) || rest.some((file) => isImage(file) || JSON_FILE.test(file.path));
  return { given: { ...(model && { model, beside }), ...(mapping && { mapping }) }, data: hasData ? rest : [] };
}

function isImage({ path, file }: DroppedFile): boolean {
  return IMAGE.test(path) || file.type.startsWith('image/');
}

async function isMapping({ file }: DroppedFile): Promise<boolean> {
  if (file.size > LARGEST_MAPPING) return false;
  try {
    const value = JSON.parse((await file.text()).replace(/^\uFEFF/, ''));
    return typeof value === 'object' && value !== null && 'tensors' in value;
  } catch {
    return false; // whoever reads it says what is wrong
  }
}
