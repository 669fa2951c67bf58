import { edgeDistance } from './bins.js';
import type { Box } from './boxes.js';
import { type BoxParameters, decodeBox } from './boxParameters.js';
import type { GridLevel } from './grid.js';
import { readRow } from './rows.js';
import type { HeadOutputs, ImagePredictions } from './types.js';

/** Class logits and decoded boxes of one image, levels concatenated. */
export function imagePredictions(
  levels: readonly GridLevel[],
  { classLogits, boxLogits }: HeadOutputs,
  image: number,
  classes: number,
  parameters: BoxParameters,
): ImagePredictions {
  return {
    logits: levels.flatMap(({ anchors }, l) =>
      anchors.map((_, cell) =>
        readRow(classLogits[l], { image, channels: classes, first: 0, length: classes, size: anchors.length, cell }),
      ),
    ),
    predicted: levels.flatMap((level, l) =>
      level.anchors.map((_, cell) => predictedBox(level, boxLogits[l], image, cell, parameters)),
    ),
  };
}

/** The box that the logits [B, 4*bins, H, W] of a level say at one location, pixels. */
export function predictedBox(
  { stride, centres }: GridLevel,
  boxLogits: ArrayLike<number>,
  image: number,
  cell: number,
  parameters: BoxParameters,
): Box {
  const { bins } = parameters;
  const size = centres.length;
  const rows = [0, 1, 2, 3].map((edge) =>
    readRow(boxLogits, { image, channels: 4 * bins, first: edge * bins, length: bins, size, cell }),
  );
  const [x, y] = centres[cell];
  const box = decodeBox(
    rows.map((row) => edgeDistance(row, parameters.projection)),
    [x / stride, y / stride],
    parameters,
  );
  return box.map(({ value }) => stride * value) as unknown as Box;
}
