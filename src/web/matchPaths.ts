import { InputError } from '../util/error.js';

/**
 * Finds the file of each annotated image among dropped files. Of both only a part of the path may be known, so that one has to be
 * the end of the other: `images/a.png` is `a.png`, and `data/images/a.png`, but not `others/a.png`. Where several files fit, it is
 * the one in the folder in which most names are found.
 * @param names of the annotated images
 * @param paths of the files
 * @returns position of the file of each name; −1: it was not dropped
 * @throws {InputError} where a name may be one of several files, or a file that of several names
 */
export function matchPaths(names: readonly string[], paths: readonly string[]): number[] {
  const files = paths.map(partsOf);
  const byBase = new Map<string | undefined, number[]>();
  for (const [index, parts] of files.entries()) {
    const base = parts.at(-1);
    const others = byBase.get(base);
    if (others) others.push(index);
    else byBase.set(base, [index]);
  }
  const candidates = names.map((name) => {
    const wanted = partsOf(name);
    const found = (byBase.get(wanted.at(-1)) ?? []).filter((index) => isEnd(files[index], wanted));
    return found.map((index) => ({ index, folder: files[index].slice(0, -wanted.length).join('/') }));
  });
  const root = commonest(candidates.flat().map(({ folder }) => folder));

  const users = new Map<number, string>();
  return names.map((name, i) => {
    const inRoot = candidates[i].filter(({ folder }) => folder === root);
    const fitting = inRoot.length > 0 ? inRoot : candidates[i];
    if (fitting.length === 0) return -1;
    const [{ index }] = fitting;
    const other = users.get(index) ?? name;
    if (fitting.length > 1) throw unclear(name, ...fitting.map((one) => paths[one.index]));
    if (other !== name) throw unclear(paths[index], other, name);
    users.set(index, name);
    return index;
  });
}

function unclear(what: string, ...choices: string[]): InputError {
  return new InputError(
    `${what} may be ${choices.join(' or ')}; drop the folder that holds them, so that their paths are known.`,
  );
}

const partsOf = (path: string) =>
  path
    .normalize('NFC')
    .split(/[\\/]/)
    .filter((part) => part !== '' && part !== '.');

/** Whether the last parts of both are the same, as far as the shorter one goes. */
function isEnd(a: readonly string[], b: readonly string[]): boolean {
  const length = Math.min(a.length, b.length);
  return a.slice(-length).every((part, i) => part === b[b.length - length + i]);
}

/** The folder that is there most often, the shortest of several; undefined where that leaves a choice. */
function commonest(folders: readonly string[]): string | undefined {
  const counts = new Map<string, number>();
  for (const folder of folders) counts.set(folder, (counts.get(folder) ?? 0) + 1);
  const depth = (folder: string) => folder.split('/').filter(Boolean).length;
  const [first, second] = [...counts].sort(([a, n], [b, m]) => m - n || depth(a) - depth(b));
  const isTie = second && first[1] === second[1] && depth(first[0]) === depth(second[0]);
  return isTie ? undefined : first?.[0];
}
