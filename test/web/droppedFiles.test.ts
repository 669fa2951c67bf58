import { expect, test } from 'vitest';
import { InputError } from '../../src/util/error.js';
import { matchPaths } from '../../src/web/matchPaths.js';
import { chosenFiles, droppedFiles } from '../../src/web/page/dropped.js';

test.each<[string, string, number]>([
  ['a.png', 'a.png', 0],
  ['images/a.png', 'a.png', 0],
  ['a.png', 'data/images/a.png', 0],
  ['sub/a.png', 'data/images/sub/a.png', 0],
  ['sub\\a.png', 'images/sub/a.png', 0],
  ['./a.png', 'a.png', 0],
  ['Zelle \u00e4.png', 'Zelle a\u0308.png', 0],
  ['sub/a.png', 'others/a.png', -1],
  ['sub/a.png', 'data/others/a.png', -1],
  ['a.png', 'b.png', -1],
])('%s is %s: %i', (name, path, found) => {
  expect(matchPaths([name], [path])).toEqual([found]);
});

test('files of the same name in two folders are told apart by their paths', () => {
  const names = ['a/1.png', 'b/1.png', 'a/2.png', '3.png'];
  const paths = [
    'data/images/b/1.png',
    'data/images/a/2.png',
    'data/images/a/1.png',
    'data/images/3.png',
    'data/x.json',
  ];
  expect(matchPaths(names, paths)).toEqual([2, 0, 1, 3]);
  // Both end alike: the one in the folder of the others, else the one with fewer folders.
  const inside = ['d/images/sub/1.png', 'd/images/1.png', 'd/images/sub/2.png'];
  expect(matchPaths(['1.png', 'sub/2.png', 'sub/1.png'], inside)).toEqual([1, 2, 0]);
  expect(matchPaths(['1.png'], ['a/b/1.png', '1.png'])).toEqual([1]);
});

test('where the paths do not tell, nothing is guessed', () => {
  expect(() => matchPaths(['a/1.png', 'b/1.png'], ['1.png'])).toThrow(InputError);
  expect(() => matchPaths(['a/1.png', 'b/1.png'], ['1.png'])).toThrow(
    /^1\.png may be a\/1\.png or b\/1\.png; drop the folder/,
  );
  expect(() => matchPaths(['1.png'], ['a/1.png', 'b/1.png'])).toThrow(
    /^1\.png may be a\/1\.png or b\/1\.png; drop the/,
  );
  expect(matchPaths(['1.png', '1.png'], ['1.png'])).toEqual([0, 0]); // listed twice
});

/** What a browser gives of a dropped file or folder. */
const fileEntry = (fullPath: string) => ({
  isFile: true,
  fullPath,
  file: (done: (file: File) => void) => done(new File([], fullPath.split('/').at(-1)!)),
});
const folderEntry = (...batches: object[][]) => ({
  isFile: false,
  createReader: () => ({ readEntries: (done: (entries: object[]) => void) => done(batches.shift() ?? []) }),
});

test('folders are read to their end, with paths', async () => {
  const inner = folderEntry([fileEntry('/d/images/a.png')], [fileEntry('/d/images/b.png')]);
  const item = (entry: object | null, file?: File) => ({
    kind: 'file',
    webkitGetAsEntry: () => entry,
    getAsFile: () => file ?? null,
  });
  const items = [
    item(folderEntry([inner, fileEntry('/d/x.json')])),
    item(fileEntry('/c.png')),
    item(null, new File([], 'e.png')),
    { kind: 'string', webkitGetAsEntry: () => null, getAsFile: () => null },
  ];
  const dropped = await droppedFiles({ items: items as unknown as DataTransferItemList });
  expect(dropped.map(({ path }) => path)).toEqual(['d/images/a.png', 'd/images/b.png', 'd/x.json', 'c.png', 'e.png']);
  const relative = Object.assign(new File([], 'f.png'), { webkitRelativePath: 'd/f.png' });
  expect(chosenFiles([relative]).map(({ path }) => path)).toEqual(['d/f.png']);
});
