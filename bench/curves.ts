import type { Device } from '../src/tensor/device.js';
import type { Clock, Plan } from './measure.js';
import { measureRow } from './row.js';
import { headLossRow } from './rows/headLoss.js';
import { REFERENCE, type SceneSize } from './scene.js';

/** How the head loss scales with one of its sizes, the others being those of the reference workload. */
export interface Curve {
  axis: 'batch' | 'image' | 'boxes' | 'bins';
  points: CurvePoint[];
}

interface CurvePoint {
  /** Of the axis. */
  value: number;
  /** Milliseconds of the head loss: median and half the interquartile range. */
  ms: number;
  spread: number;
  /** Of a copy of as many bytes as the head loss has to move. */
  copyMs: number;
}

const AXES: Record<Curve['axis'], readonly number[]> = {
  batch: [1, 2, 4, 8, 12, 16],
  image: [320, 480, 640, 800, 960, 1120, 1280],
  boxes: [1, 2, 5, 10, 20, 50, 100],
  bins: [8, 12, 17, 24, 28, 33],
};

/**
 * Measures all curves; a device of its own for each point.
 * @param reference the sizes that stay
 * @param axes the values of the one that varies
 */
export async function measureCurves(
  open: () => Promise<Device>,
  options: { clock: Clock; plan: Plan; onPoint: (name: string) => void },
  reference: SceneSize = REFERENCE,
  axes: Record<Curve['axis'], readonly number[]> = AXES,
): Promise<Curve[]> {
  const curves: Curve[] = [];
  for (const axis of Object.keys(axes) as Curve['axis'][]) {
    const points: CurvePoint[] = [];
    for (const value of axes[axis]) {
      options.onPoint(`${axis} ${value}`);
      const device = await open();
      const result = await measureRow(device, headLossRow(axis, { ...reference, [axis]: value }), options);
      await device.close();
      points.push({ value, ms: result.ms, spread: result.spread, copyMs: result.copyMs ?? Number.NaN });
    }
    curves.push({ axis, points });
  }
  return curves;
}
