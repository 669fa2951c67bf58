import type { ImageSource } from '../data/source.js';
import type { DetectionNet } from '../detector/net.js';
import { evaluate, namedStatistics } from '../train/evaluate.js';
import type { Figures } from './protocol.js';

/** Measures a net on images; a student also by its distance to its teacher. */
export async function figuresOf(
  net: DetectionNet,
  { source, batch, teacher }: { source: ImageSource; batch: number; teacher: DetectionNet | null },
): Promise<Figures | null> {
  const found = await evaluate(net, { source, batch, ...(teacher && { teacher }) });
  if (!found) return null;
  const { AP, AP50 } = namedStatistics(found.averagePrecision);
  return { AP, AP50, error: found.agreement?.all.localizationError ?? null };
}
