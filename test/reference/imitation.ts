/**
 * Feature imitation of one level: mean over the selected locations and all channels of
 * (student - teacher)^2, and its gradient with respect to the student, 2 (student - teacher) / count. Nothing selected: 0
 * (the reference's mean of nothing would be NaN). `student`, `teacher` [B, F, H, W]; `selected` [B, H*W], 1 = inside.
 */
export function imitationLoss(
  student: ArrayLike<number>,
  teacher: ArrayLike<number>,
  selected: ArrayLike<number>,
  batch: number,
): { loss: number; gradient: Float64Array } {
  const size = selected.length / batch;
  const channels = student.length / selected.length;
  const gradient = new Float64Array(student.length);
  let count = 0;
  for (let i = 0; i < selected.length; i++) if (selected[i]) count += channels;
  let loss = 0;
  for (let i = 0; i < student.length; i++) {
    const image = Math.floor(i / (channels * size));
    if (!selected[image * size + (i % size)]) continue;
    const difference = student[i] - teacher[i];
    loss += difference ** 2 / count;
    gradient[i] = (2 * difference) / count;
  }
  return { loss, gradient };
}
