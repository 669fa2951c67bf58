/** Features of one level, [B, C, H·W] row-major. */
export interface LevelFeatures {
  batch: number;
  channels: number;
  area: number;
  values: readonly number[] | Float64Array;
}

/** Mean and unbiased deviation of a channel over images and locations; of one value the deviation is 0. */
export function momentsOf({ batch, channels, area, values }: LevelFeatures, channel: number) {
  const own: number[] = [];
  for (let b = 0; b < batch; b++) {
    for (let i = 0; i < area; i++) own.push(values[(b * channels + channel) * area + i]);
  }
  const mean = own.reduce((sum, x) => sum + x, 0) / own.length;
  const squares = own.reduce((sum, x) => sum + (x - mean) ** 2, 0);
  return { mean, deviation: own.length > 1 ? Math.sqrt(squares / (own.length - 1)) : 0 };
}

/** CrossKD's alignment in float64 (Wang et al., CVPR 2024): the student's features with the teacher's channel statistics. */
export function alignedFeatures(student: LevelFeatures, teacher: LevelFeatures): Float64Array {
  const { channels, area } = student;
  return Float64Array.from(student.values as ArrayLike<number>, (x, i) => {
    const channel = Math.floor(i / area) % channels;
    const [own, wanted] = [momentsOf(student, channel), momentsOf(teacher, channel)];
    return ((x - own.mean) / (own.deviation + 1e-6)) * wanted.deviation + wanted.mean;
  });
}
