import source from '../../shaders/regions/overlap_scores.wgsl';
import type { Assignment } from './assignment.js';
import { type Grid, gridParams } from './grid.js';
import { boxDecoding, type HeadMaps, logitRange, type StudentOptions } from './student.js';

const KERNEL = { name: 'regions/overlap_scores', source };

/** Records an assignment's target scores: the IoU of the student's box with a positive's target. */
export function scoreByOverlap(
  grid: Grid,
  { batch, samples, counts, slots, targets }: Assignment,
  student: HeadMaps,
  options: StudentOptions,
): void {
  const box = boxDecoding(student, options);
  samples.device.run({
    kernel: KERNEL,
    constants: box.constants,
    bindings: {
      student_box: logitRange(student.boxLogits),
      targets: targets.range4,
      samples: samples.range,
      counts: counts.range,
    },
    params: { ...gridParams(grid, batch), ...box.params, image_slots: slots },
    workgroups: [batch, 1, 1],
  });
}
