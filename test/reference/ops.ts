/** Operations on feature maps and their gradients in float64, plain loops over one level. */

/** [batch, channels, height, width], row-major. */
export interface FeatureMap {
  batch: number;
  channels: number;
  height: number;
  width: number;
  values: ArrayLike<number>;
}

export interface Output extends FeatureMap {
  values: Float64Array;
}

function emptyMap(batch: number, channels: number, height: number, width: number): Output {
  return { batch, channels, height, width, values: new Float64Array(batch * channels * height * width) };
}

function like({ batch, channels, height, width }: FeatureMap): Output {
  return emptyMap(batch, channels, height, width);
}

/** Index of an element. */
function at(map: FeatureMap, b: number, c: number, y: number, x: number): number {
  return ((b * map.channels + c) * map.height + y) * map.width + x;
}

/** Calls `visit(index, b, c, y, x)` for each element, in order. */
function each(map: FeatureMap, visit: (index: number, b: number, c: number, y: number, x: number) => void): void {
  let index = 0;
  for (let b = 0; b < map.batch; b++)
    for (let c = 0; c < map.channels; c++)
      for (let y = 0; y < map.height; y++) for (let x = 0; x < map.width; x++) visit(index++, b, c, y, x);
}

export interface Convolution {
  outputs: number;
  kernel: number;
  stride: number;
}

/** Calls `visit(output index, input index, weight index)` for each product of a convolution with padding (k - 1) / 2. */
function eachProduct(
  input: FeatureMap,
  { kernel, stride }: Convolution,
  output: FeatureMap,
  visit: (output: number, input: number, weight: number) => void,
): void {
  const padding = (kernel - 1) / 2;
  each(output, (index, b, o, oy, ox) => {
    for (let i = 0; i < input.channels; i++)
      for (let ky = 0; ky < kernel; ky++)
        for (let kx = 0; kx < kernel; kx++) {
          const y = stride * oy + ky - padding;
          const x = stride * ox + kx - padding;
          if (y < 0 || y >= input.height || x < 0 || x >= input.width) continue;
          visit(index, at(input, b, i, y, x), ((o * input.channels + i) * kernel + ky) * kernel + kx);
        }
  });
}

/** `weight` [outputs, inputs, k, k], `bias` [outputs] or null. */
export function conv2d(
  input: FeatureMap,
  weight: ArrayLike<number>,
  bias: ArrayLike<number> | null,
  options: Convolution,
): Output {
  const { outputs, stride } = options;
  const output = emptyMap(input.batch, outputs, Math.ceil(input.height / stride), Math.ceil(input.width / stride));
  if (bias)
    each(output, (index, _, o) => {
      output.values[index] = bias[o];
    });
  eachProduct(input, options, output, (to, from, tap) => {
    output.values[to] += weight[tap] * input.values[from];
  });
  return output;
}

export function conv2dGradients(
  input: FeatureMap,
  weight: ArrayLike<number>,
  incoming: FeatureMap,
  options: Convolution,
): { input: Float64Array; weight: Float64Array; bias: Float64Array } {
  const gradients = {
    input: new Float64Array(input.values.length),
    weight: new Float64Array(weight.length),
    bias: new Float64Array(options.outputs),
  };
  each(incoming, (index, _, o) => {
    gradients.bias[o] += incoming.values[index];
  });
  eachProduct(input, options, incoming, (to, from, tap) => {
    gradients.input[from] += weight[tap] * incoming.values[to];
    gradients.weight[tap] += input.values[from] * incoming.values[to];
  });
  return gradients;
}

interface Normalised {
  /** (x - mean) / sqrt(variance + epsilon) */
  normal: Float64Array;
  /** 1 / sqrt(variance + epsilon) of each image and group. */
  inverse: Float64Array;
}

/** Variance is the biased one, over the channels of a group and all locations. */
function normalise(input: FeatureMap, groups: number, epsilon: number): Normalised {
  const { batch, channels, height, width, values } = input;
  const size = (channels / groups) * height * width;
  const normal = new Float64Array(values.length);
  const inverse = new Float64Array(batch * groups);
  for (let g = 0; g < batch * groups; g++) {
    let sum = 0;
    for (let i = 0; i < size; i++) sum += values[g * size + i];
    const mean = sum / size;
    let squares = 0;
    for (let i = 0; i < size; i++) squares += (values[g * size + i] - mean) ** 2;
    inverse[g] = 1 / Math.sqrt(squares / size + epsilon);
    for (let i = 0; i < size; i++) normal[g * size + i] = (values[g * size + i] - mean) * inverse[g];
  }
  return { normal, inverse };
}

/** Group normalization (Wu and He, 2018): scale[c] * (x - mean) / sqrt(variance + epsilon) + shift[c]. */
export function groupNorm(
  input: FeatureMap,
  scale: ArrayLike<number>,
  shift: ArrayLike<number>,
  groups: number,
  epsilon = 1e-5,
): Output {
  const output = like(input);
  const { normal } = normalise(input, groups, epsilon);
  each(input, (index, _, c) => {
    output.values[index] = scale[c] * normal[index] + shift[c];
  });
  return output;
}

/** dL/dx = inverse * (g - mean(g) - n * mean(g n)) with g = scale * incoming, n the normalised value, means over a group. */
export function groupNormGradients(
  input: FeatureMap,
  scale: ArrayLike<number>,
  incoming: FeatureMap,
  groups: number,
  epsilon = 1e-5,
): { input: Float64Array; scale: Float64Array; shift: Float64Array } {
  const { batch, channels, height, width } = input;
  const size = (channels / groups) * height * width;
  const { normal, inverse } = normalise(input, groups, epsilon);
  const gradients = {
    input: new Float64Array(normal.length),
    scale: new Float64Array(channels),
    shift: new Float64Array(channels),
  };
  const scaled = new Float64Array(normal.length);
  each(input, (index, _, c) => {
    gradients.shift[c] += incoming.values[index];
    gradients.scale[c] += incoming.values[index] * normal[index];
    scaled[index] = scale[c] * incoming.values[index];
  });
  for (let g = 0; g < batch * groups; g++) {
    let mean = 0;
    let projection = 0;
    for (let i = g * size; i < (g + 1) * size; i++) {
      mean += scaled[i] / size;
      projection += (scaled[i] * normal[i]) / size;
    }
    for (let i = g * size; i < (g + 1) * size; i++) {
      gradients.input[i] = inverse[g] * (scaled[i] - mean - normal[i] * projection);
    }
  }
  return gradients;
}

export function relu(x: number): number {
  return Math.max(0, x);
}

/** Zero at zero. */
export function reluSlope(x: number): number {
  return x > 0 ? 1 : 0;
}

/** x * sigmoid(x) */
export function silu(x: number): number {
  return x / (1 + Math.exp(-x));
}

export function siluSlope(x: number): number {
  const s = 1 / (1 + Math.exp(-x));
  return s * (1 + x * (1 - s));
}

/** The element of `input` that element (y, x) of the larger map copies: floor(y * H / height), floor(x * W / width). */
function eachCopy(input: FeatureMap, output: FeatureMap, visit: (output: number, input: number) => void): void {
  each(output, (index, b, c, y, x) => {
    const fromY = Math.floor((y * input.height) / output.height);
    const fromX = Math.floor((x * input.width) / output.width);
    visit(index, at(input, b, c, fromY, fromX));
  });
}

export function upsampleNearest(input: FeatureMap, height: number, width: number): Output {
  const output = emptyMap(input.batch, input.channels, height, width);
  eachCopy(input, output, (to, from) => {
    output.values[to] = input.values[from];
  });
  return output;
}

export function upsampleNearestGradient(input: FeatureMap, incoming: FeatureMap): Float64Array {
  const gradient = new Float64Array(input.values.length);
  eachCopy(input, incoming, (to, from) => {
    gradient[from] += incoming.values[to];
  });
  return gradient;
}

/** For each output of a 3×3 maximum of stride 2 and padding 1, the index of the first largest element of its window. */
function maxima(input: FeatureMap, output: FeatureMap): Int32Array {
  const indices = new Int32Array(output.values.length);
  each(output, (index, b, c, oy, ox) => {
    let best = -1;
    for (let y = Math.max(0, 2 * oy - 1); y <= Math.min(input.height - 1, 2 * oy + 1); y++)
      for (let x = Math.max(0, 2 * ox - 1); x <= Math.min(input.width - 1, 2 * ox + 1); x++) {
        const candidate = at(input, b, c, y, x);
        if (best < 0 || input.values[candidate] > input.values[best]) best = candidate;
      }
    indices[index] = best;
  });
  return indices;
}

export function maxPool(input: FeatureMap): Output {
  const output = emptyMap(input.batch, input.channels, Math.ceil(input.height / 2), Math.ceil(input.width / 2));
  maxima(input, output).forEach((from, to) => {
    output.values[to] = input.values[from];
  });
  return output;
}

export function maxPoolGradient(input: FeatureMap, incoming: FeatureMap): Float64Array {
  const gradient = new Float64Array(input.values.length);
  maxima(input, incoming).forEach((from, to) => {
    gradient[from] += incoming.values[to];
  });
  return gradient;
}
