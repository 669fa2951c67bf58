import type { onnx } from 'onnx-proto';
import { InputError } from '../util/error.js';
import type { OnnxMapping } from './mapping.js';
import { noModel, protobuf } from './protobuf.js';

/** Tensors that an error names. */
const MAX_NAMED = 12;

/**
 * A model with more outputs: tensors inside its graph become outputs, too. Nothing else changes, since protobuf joins the
 * fields of messages that stand behind each other: the new outputs are written behind the file as it is.
 * @param tensors names of outputs or of tensors inside the model
 * @throws InputError when the bytes are no ONNX model, or it has no tensor of a name
 */
export async function withOutputs(model: Uint8Array, tensors: readonly string[], name: string): Promise<Uint8Array> {
  const { ModelProto } = await protobuf();
  const graph = await graphOf(model, name);
  const outputs = (graph.output ?? []).flatMap((output) => output.name ?? []);
  const inner = (graph.node ?? []).flatMap((node) => node.output ?? []).filter((tensor) => tensor !== '');
  const added = [...new Set(tensors)].filter((tensor) => !outputs.includes(tensor));
  const unknown = added.filter((tensor) => !inner.includes(tensor));
  if (unknown.length > 0) {
    throw new InputError(
      `${name} has no tensor ${unknown.join(', ')}; its outputs are ${outputs.join(', ')}, and its last nodes make ${inner.slice(-MAX_NAMED).join(', ')}.`,
    );
  }
  if (added.length === 0) return model;
  const appendix = ModelProto.encode({ graph: { output: added.map((tensor) => ({ name: tensor })) } }).finish();
  const joined = new Uint8Array(model.length + appendix.length);
  joined.set(model);
  joined.set(appendix, model.length);
  return joined;
}

/** Width and height of a model's first input, where they are fixed; null where they are open. */
export async function fixedSizeOf(model: Uint8Array, name: string): Promise<{ width: number; height: number } | null> {
  const { input = [], initializer = [] } = await graphOf(model, name);
  // Older files list their constants among the inputs.
  const constants = new Set(initializer?.map((constant) => constant.name));
  const images = input?.find((port) => !constants.has(port.name));
  const [, , height, width] = images?.type?.tensorType?.shape?.dim?.map(({ dimValue }) => Number(dimValue ?? 0)) ?? [];
  return height > 0 && width > 0 ? { width, height } : null;
}

/**
 * Pixels of the images that a model is given.
 * @param given what somebody asks for; else it is the model's own size, or `open` in whole strides where the file leaves it open
 * @throws InputError when it is no multiple of the largest stride, or the bytes are no ONNX model
 */
export async function imageSizeOf(
  { model, name, mapping }: { model: Uint8Array; name: string; mapping: Pick<OnnxMapping, 'strides'> },
  open: { width: number; height: number },
  given: { width?: number | undefined; height?: number | undefined } = {},
): Promise<{ width: number; height: number }> {
  const largest = Math.max(...mapping.strides);
  const whole = (pixels: number) => Math.ceil(pixels / largest) * largest;
  const fixed = await fixedSizeOf(model, name);
  const { width = fixed?.width ?? whole(open.width), height = fixed?.height ?? whole(open.height) } = given;
  for (const [field, extent] of Object.entries({ width, height })) {
    if (extent % largest !== 0) {
      throw new InputError(
        `${field} is ${extent}; expected a multiple of the largest stride, ${largest}. Export the model for ${whole(extent)}.`,
      );
    }
  }
  return { width, height };
}

async function graphOf(model: Uint8Array, name: string): Promise<onnx.IGraphProto> {
  const { ModelProto } = await protobuf();
  try {
    // Not as a Buffer of Node: the library makes empty ones in a way that Node warns of.
    const { graph } = ModelProto.decode(new Uint8Array(model.buffer, model.byteOffset, model.byteLength));
    if (graph?.output?.length) return graph;
  } catch {
    // Told below, as for a file of something else that happens to parse.
  }
  throw noModel(name);
}
