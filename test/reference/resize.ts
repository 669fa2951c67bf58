import { at, build, type NdArray } from './arrays.js';

export interface Resizing {
  height: number;
  width: number;
  mode: 'nearest' | 'linear';
  coordinates: 'half_pixel' | 'pytorch_half_pixel' | 'align_corners' | 'asymmetric';
  nearest: 'floor' | 'ceil' | 'round_prefer_floor' | 'round_prefer_ceil';
}

/** Position in the source, as ONNX's Resize has it for the scale to / from. */
function position(coordinates: Resizing['coordinates'], from: number, to: number, cell: number): number {
  const half = ((cell + 0.5) * from) / to - 0.5;
  switch (coordinates) {
    case 'half_pixel':
      return half;
    case 'pytorch_half_pixel':
      return to > 1 ? half : 0;
    case 'align_corners':
      return to > 1 ? (cell * (from - 1)) / (to - 1) : 0;
    default:
      return (cell * from) / to;
  }
}

const ROUNDINGS = {
  floor: Math.floor,
  ceil: Math.ceil,
  round_prefer_floor: (x: number) => Math.ceil(x - 0.5),
  round_prefer_ceil: (x: number) => Math.floor(x + 0.5),
};

/** Resize of ONNX over the last two of four dimensions. */
export function resize(input: NdArray, { height, width, mode, coordinates, nearest }: Resizing): NdArray {
  const [batch, channels, ...from] = input.shape;
  const to = [height, width];
  const held = (cell: number, axis: number) => Math.min(Math.max(cell, 0), from[axis] - 1);
  return build([batch, channels, height, width], ([b, c, ...cell]) => {
    const places = cell.map((d, axis) => position(coordinates, from[axis], to[axis], d));
    const cellAt = (y: number, x: number) => at(input, [b, c, held(y, 0), held(x, 1)]);
    if (mode === 'nearest') return cellAt(ROUNDINGS[nearest](places[0]), ROUNDINGS[nearest](places[1]));
    const [y, x] = places.map(Math.floor);
    const [down, right] = [places[0] - y, places[1] - x];
    const above = (1 - right) * cellAt(y, x) + right * cellAt(y, x + 1);
    const below = (1 - right) * cellAt(y + 1, x) + right * cellAt(y + 1, x + 1);
    return (1 - down) * above + down * below;
  });
}
