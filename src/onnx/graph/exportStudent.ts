import { version } from '../../../package.json';
import type { ParameterValues } from '../../autograd/parameters.js';
import { InputError } from '../../util/error.js';
import type { MappedModel, OnnxMapping } from '../mapping.js';
import { assertWhole } from '../net.js';
import { editModel } from './editModel.js';
import { parseModel } from './parse.js';
import { weightsOf } from './trainable.js';

/** What a student has learned, and what it learned in. */
export interface ExportedStudent {
  /** The file that it was opened with: `GraphStudent.model`. */
  model: Uint8Array;
  /** Of the file, for messages; default `model`. */
  name?: string;
  /** `GraphStudent.mapping`. */
  mapping: OnnxMapping;
  /** By name: `parameters.split(await parameters.values.read())`, or `weightsOf(checkpoint)` of edgewise/trainer. */
  weights: ReadonlyMap<string, ParameterValues>;
  /** What was done, such as `{ recipe: 'nanodet+ld' }`: kept in `metadata_props` under `edgewise.KEY`. */
  metadata?: Readonly<Record<string, string>>;
}

/**
 * The file that a student was opened with, with the values that it learned. All else stays byte for byte, but for `metadata_props`, which
 * get `edgewise.version`, `edgewise.classes` (JSON) and what `metadata` says.
 * @returns the model, and the mapping that it goes with
 * @throws InputError when the file has no tensor of a name, or one of another shape
 */
export async function exportStudent({
  model,
  name = 'model',
  mapping,
  weights,
  metadata = {},
}: ExportedStudent): Promise<MappedModel> {
  assertWhole(model, name);
  const { nodes, initializers } = await parseModel(model, name);
  const own = weightsOf(nodes, initializers);
  for (const [edge, { shape }] of weights) {
    const found = own.get(edge);
    if (found?.type === 'float' && found.shape.join() === shape.join()) continue;
    throw new InputError(
      `weights: ${edge} has the shape [${shape}]; ${name} has ${found ? `[${found.shape}]` : 'no such tensor'}. Give the file that the student was opened with.`,
    );
  }
  const done = { version, classes: JSON.stringify(mapping.classes), ...metadata };
  const texts = Object.fromEntries(Object.entries(done).map(([key, text]) => [`edgewise.${key}`, text]));
  return { model: editModel(model, { tensors: weights, metadata: texts }), mapping };
}
