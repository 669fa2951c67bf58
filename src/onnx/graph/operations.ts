import type { Variable } from '../../autograd/variable.js';
import { InputError } from '../../util/error.js';

// Operations that are not there yet.

function pending(name: string): never {
  throw new InputError(`${name}: this operation does not run yet.`);
}

type Pair = readonly [number, number];
type Pads = readonly [number, number, number, number];
type Numbers = readonly number[];

export const addBroadcast = (_a: Variable, _b: Variable): Variable => pending('add');
export const subtract = (_a: Variable, _b: Variable): Variable => pending('subtract');
export const multiply = (_a: Variable, _b: Variable): Variable => pending('multiply');
export const divide = (_a: Variable, _b: Variable): Variable => pending('divide');
export const maxPool2d = (_x: Variable, _o: { kernel: Pair; strides: Pair; pads: Pads }): Variable =>
  pending('maxPool2d');
export const averagePool2d = (
  _x: Variable,
  _o: { kernel: Pair; strides: Pair; pads: Pads; countIncludePad: boolean },
): Variable => pending('averagePool2d');
export const reduceMean = (_x: Variable, _axes: Numbers, _keepDims: boolean): Variable => pending('reduceMean');
export const resize2d = (
  _x: Variable,
  _o: {
    height: number;
    width: number;
    mode: 'nearest' | 'linear';
    coordinates: 'half_pixel' | 'pytorch_half_pixel' | 'align_corners' | 'asymmetric';
    nearest: 'floor' | 'ceil' | 'round_prefer_floor' | 'round_prefer_ceil';
  },
): Variable => pending('resize2d');
export const matMul = (_a: Variable, _b: Variable): Variable => pending('matMul');
export const softmaxAxis = (_x: Variable, _axis: number): Variable => pending('softmaxAxis');
