import { expect, test } from 'vitest';
import { CocoReader } from '../../src/data/cocoReader.js';
import { JsonReader } from '../../src/data/jsonStream.js';

const ANNOTATIONS = 2_000_000;
const IMAGES = 200_000;
/** Annotations of a piece, and the images that they belong to: every piece is the same. */
const TOGETHER = 5000;
const ANNOTATED = 500;

/** A file of two million annotations, which is nowhere; images and categories come last, as in COCO's own files. */
function* pieces(): Generator<string, void, void> {
  yield '{"info": {"year": 2017}, "annotations": [';
  const entries = Array.from(
    { length: TOGETHER },
    (_, i) =>
      `{"iscrowd":${i % 10 === 9 ? 1 : 0},"image_id":${1 + Math.floor(i / 10)},"bbox":[${i % 40}.5,7,10,7.55],"category_id":${1 + (i % 3)}}`,
  ).join();
  for (let first = 0; first < ANNOTATIONS; first += TOGETHER) {
    if (first > 0) yield ',';
    yield entries;
  }
  yield '], "images": [';
  for (let i = 0; i < IMAGES; i++) {
    yield `${i === 0 ? '' : ', '}{"id": ${i + 1}, "file_name": "${i}.jpg", "width": 64, "height": 48}`;
  }
  yield '], "categories": [{"id": 1, "name": "a"}, {"id": 2, "name": "b"}, {"id": 3, "name": "c"}]}';
}

test('two million annotations are read into 61 bytes each', () => {
  const coco = new CocoReader('large.json');
  const json = new JsonReader('large.json', coco);
  const encoder = new TextEncoder();
  for (const piece of pieces()) json.write(encoder.encode(piece));
  json.end();
  const { images, truth, skipped, notices } = coco.finish({});

  const { annotations } = truth;
  expect(annotations.length).toBe(ANNOTATIONS);
  expect(images).toHaveLength(IMAGES);
  expect([skipped, notices]).toEqual([0, []]);
  const last = images[ANNOTATED - 1];
  const [objects, crowds] = [9, 1].map((each) => (each * ANNOTATIONS) / TOGETHER);
  expect(last.boxes).toHaveLength(4 * objects);
  expect(last.boxes.slice(-4)).toEqual(Float32Array.of(38.5, 7, 48.5, Math.fround(14.55)));
  expect(last.ignore).toHaveLength(4 * crowds);
  expect(last.labels.slice(-9)).toEqual(Int32Array.of(1, 2, 0, 1, 2, 0, 1, 2, 0));
  expect(images[ANNOTATED].boxes).toHaveLength(0);
  const bytes = Object.values(annotations.columns).reduce((sum, column) => sum + column.byteLength, 0);
  expect(bytes).toBe(57 * ANNOTATIONS); // and 4 for the order by image
});
