import { counted } from '../util/counts.js';
import type { AnnotationTable } from './annotations.js';
import { BoxForm } from './boxForm.js';
import type { CocoImageEntry } from './groundTruth.js';

/** What is odd in annotations without being malformed. */
export interface Oddities {
  /** Boxes without area inside their image. */
  skipped: number;
  /** One line each. */
  notices: string[];
  /** What all boxes seem to be in place of [x, y, width, height] in pixels; null: nothing. */
  boxFault: string | null;
}

/** @param ignored annotations with a field `ignore` */
export function oddities(table: AnnotationTable, images: readonly CocoImageEntry[], ignored: number): Oddities {
  const { boxes, crowds, images: imageOf, ids } = table.columns;
  const form = new BoxForm('annotation');
  let skipped = 0;
  let objects = 0;
  for (let row = 0; row < table.length; row++) {
    const at = 4 * row;
    form.add(boxes[at], boxes[at + 1], boxes[at + 2], boxes[at + 3], images[imageOf[row]]);
    if (!table.clipped(row)) skipped++;
    else if (!crowds[row]) objects++;
  }
  const notices: string[] = [];
  const tell = (count: number, text: string) => count > 0 && notices.push(`${form.of(count)} ${text}`);
  tell(skipped, 'are left out: no area inside the image');
  notices.push(...form.fewParts, ...form.fewBeyond);
  tell(
    ignored,
    'have the field ignore; they count as objects, as in COCO’s evaluation: write iscrowd 1 to leave them out',
  );
  tell(repeated(ids), 'have an id that another has before: are they there twice?');
  if (objects === 0) {
    const all = counted(table.length, 'annotation');
    const why = table.length === 0 ? '"annotations" is empty' : `all ${all} are crowds or outside their image`;
    notices.push(`there is no object to learn or to find: ${why}`);
  }
  return { skipped, notices, boxFault: form.fault };
}

/** Values that are there before. */
function repeated(ids: Float64Array): number {
  let count = 0;
  const sorted = ids.every((id, i) => i === 0 || id > ids[i - 1]) ? [] : ids.slice().sort();
  for (let i = 1; i < sorted.length; i++) if (sorted[i] === sorted[i - 1]) count++;
  return count;
}
