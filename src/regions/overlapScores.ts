import overlapSource, { constants as steps } from '../../shaders/regions/overlap_scores.wgsl';

import { constants as sum } from '../../shaders/regions/score_sum.wgsl';
import type { Launch } from '../gpu/launch.js';
import type { Assignment } from './assignment.js';
import { type Grid, gridParams } from './grid.js';
import { boxDecoding, type HeadMaps, logitRange, type StudentOptions } from './student.js';

const { SCORE, SUM } = steps;

const KERNEL = { name: 'regions/overlap_scores', source: overlapSource };

/** Records an assignment's target scores: the IoU of the student's box with a positive's target. */
export function scoreByOverlap(
  grid: Grid,
  { batch, samples, counts, slots, maxPositives, targets }: Assignment,
  student: HeadMaps,
  options: StudentOptions,
): void {
  const box = boxDecoding(student, options);
  const { device } = samples;
  const launch: Launch = {
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
  };
  if (device.choice('lists.workgroups') === 'image') {
    device.run(launch);
    return;
  }
  const step = (STEP: number, parts: number) =>
    device.run({ ...launch, constants: { ...launch.constants, STEP }, workgroups: [batch, parts, 1] });
  step(SCORE, Math.ceil(Math.min(slots, maxPositives) / sum.LANES));
  step(SUM, 1);
}
