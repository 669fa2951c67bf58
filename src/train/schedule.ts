/** mmdet's 1x schedule drops at epochs 8 and 11 of 12. */
const DROPS = [8 / 12, 11 / 12];
const DROP_FACTOR = 0.1;
/** mmdet's `warmup_ratio` of GFocal's and LD's configurations. */
const WARMUP_START = 0.001;

/** What fixes the learning rate of every step. */
export interface ScheduleSettings {
  /** The learning rate after the warm-up. */
  learningRate: number;
  /** Steps over which it rises linearly from a thousandth. */
  warmupSteps: number;
  /** `step`: × 0.1 at 8/12 and 11/12 of the training; `cosine`: half a cosine down to 0; `constant`. */
  schedule: 'step' | 'cosine' | 'constant';
}

/** The schedule's learning rate times the warm-up's factor, as in mmdet. @param step from 0 @param total steps of the whole training */
export function learningRateAt({ learningRate, warmupSteps, schedule }: ScheduleSettings, step: number, total: number) {
  const warmup = step < warmupSteps ? 1 - (1 - step / warmupSteps) * (1 - WARMUP_START) : 1;
  return learningRate * warmup * decay(schedule, step, total);
}

function decay(schedule: ScheduleSettings['schedule'], step: number, total: number): number {
  if (schedule === 'constant') return 1;
  if (schedule === 'cosine') return 0.5 * (1 + Math.cos((Math.PI * step) / total));
  return DROPS.reduce((factor, drop) => (step >= Math.round(drop * total) ? factor * DROP_FACTOR : factor), 1);
}
