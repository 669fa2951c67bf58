import { expect, test } from 'vitest';
import { sortFiles } from '../../src/web/page/sort.js';
import type { DroppedFile } from '../../src/web/protocol.js';

const MAPPING = '{"tensors": []}';
const COCO = '{"images": []}';

function drop(contents: Record<string, string>): DroppedFile[] {
  return Object.entries(contents).map(([path, text]) => ({ path, file: new File([text], path.split('/').at(-1)!) }));
}

test.each<[string, Record<string, string>, { model?: string; mapping?: string; beside?: string[]; data: string[] }]>([
  ['images and annotations', { 'd/a.jpg': '', 'd/x.json': COCO }, { data: ['d/a.jpg', 'd/x.json'] }],
  ['a model', { 'm.onnx': '' }, { model: 'm.onnx', data: [] }],
  ['a mapping', { 'x.json': MAPPING }, { mapping: 'x.json', data: [] }],
  ['a byte order mark', { 'x.json': `\uFEFF${MAPPING}` }, { mapping: 'x.json', data: [] }],
  ['the only JSON beside a model', { 'm.onnx': '', 'x.json': '{' }, { model: 'm.onnx', mapping: 'x.json', data: [] }],
  [
    'all at once',
    { 'd/m.ONNX': '', 'd/map.json': MAPPING, 'd/train.json': COCO, 'd/LICENSE': '', 'd/a.PNG': '' },
    { model: 'd/m.ONNX', beside: ['d/LICENSE'], mapping: 'd/map.json', data: ['d/train.json', 'd/LICENSE', 'd/a.PNG'] },
  ],
  ['a licence beside a model', { 'm.onnx': '', LICENSE: '' }, { model: 'm.onnx', beside: ['LICENSE'], data: [] }],
  [
    'weights beside a model',
    { 'm.onnx': '', 'm.onnx.data': '', 'x.json': MAPPING },
    { model: 'm.onnx', beside: ['m.onnx.data'], mapping: 'x.json', data: [] },
  ],
  ['nothing that is known', { LICENSE: '' }, { data: ['LICENSE'] }],
  ['broken JSON', { 'x.json': '{', 'a.png': '' }, { data: ['x.json', 'a.png'] }],
])('%s', async (_, contents, { model, beside = [], mapping, data }) => {
  const sorted = await sortFiles(drop(contents));
  expect(sorted.given.model?.path).toBe(model);
  expect((sorted.given.beside ?? []).map(({ path }) => path)).toEqual(beside);
  expect(sorted.given.mapping?.path).toBe(mapping);
  expect(sorted.data.map(({ path }) => path)).toEqual(data);
});

test('of several models or mappings none is guessed', async () => {
  await expect(sortFiles(drop({ 'a/m.onnx': '', 'n.onnx': '' }))).rejects.toThrow(
    /^2 models: m\.onnx, n\.onnx; drop one/,
  );
  await expect(sortFiles(drop({ 'a.json': MAPPING, 'b.json': MAPPING }))).rejects.toThrow(
    /^2 mappings: a\.json, b\.json/,
  );
});
