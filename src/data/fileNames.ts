import { access } from 'node:fs/promises';
import { join } from 'node:path';
import { mapInParallel } from '../util/parallel.js';

/** Why an entry's file was not found under its own name. */
const REASONS = {
  form: 'in the other Unicode normal form (macOS writes ä as two characters)',
  backslash: 'with / for \\',
  folders: 'without their leading folders',
  url: 'as the path of a URL',
} as const;
type Reason = keyof typeof REASONS;

/** The files of a list of names. */
export interface MatchedFiles {
  /** Absolute path of each; of a missing file, its expected path. */
  paths: string[];
  /** Positions of those that are not there. */
  missing: number[];
  /** Two names that differ stand for one file; null: none do. */
  conflict: [number, number] | null;
  /** Names that were not taken as they are, with counts. */
  notices: string[];
  /** For the message about a missing name: one that is nearly the same, if there is one. */
  similar(name: string): string | undefined;
}

/**
 * Finds the files that an annotation file names, in `images/`. If no file has exactly that name, takes one whose name differs only by
 * the habits of tools: in the other Unicode normal form, with backslashes, or with folders before it (`images/a.png`,
 * Label Studio's `../../label-studio/data/…/a.png`), or as a URL (`https://…/a%20b.png?width=64`).
 * @param folder absolute path
 * @param listed all files in it, relative to it, with /
 */
export async function matchFiles(
  folder: string,
  names: readonly string[],
  listed: readonly string[],
): Promise<MatchedFiles> {
  const exact = new Set(listed);
  const unlisted = [...new Set(names.filter((name) => !exact.has(name)))];
  // Behind a link, or elsewhere.
  const there = new Set<string>();
  await mapInParallel(unlisted, async (name) => {
    if (await isThere(join(folder, name))) there.add(name);
  });
  const find = finder(listed);
  const found = new Map(unlisted.filter((name) => !there.has(name)).map((name) => [name, find(name)]));

  const paths: string[] = [];
  const missing: number[] = [];
  const counts: Partial<Record<Reason, { count: number; example: string }>> = {};
  for (const [index, name] of names.entries()) {
    const match = found.get(name);
    paths.push(join(folder, match?.file ?? name));
    if (match === null) missing.push(index);
    else if (match) {
      const example = `${name} → ${match.file}`;
      counts[match.reason] = { example, ...counts[match.reason], count: (counts[match.reason]?.count ?? 0) + 1 };
    }
  }
  return {
    paths,
    missing,
    conflict: found.size > 0 ? sameFile(names, paths) : null,
    notices: Object.entries(counts).map(
      ([reason, { count, example }]) =>
        `${count.toLocaleString('en')} of ${names.length.toLocaleString('en')} file names are found ${REASONS[reason as Reason]} (${example})`,
    ),
    similar: similarIn(listed),
  };
}

const normal = (name: string) => name.normalize('NFC').replaceAll('\\', '/');

/** Finds a name in a listing; null where it is not there under any of its names. */
function finder(listed: readonly string[]): (name: string) => { file: string; reason: Reason } | null {
  const files = new Map(listed.map((file) => [normal(file), file]));
  const endOf = (name: string): { file: string; reason: Reason } | null => {
    const parts = normal(name).split('/');
    for (let first = 0; first < parts.length; first++) {
      const file = files.get(parts.slice(first).join('/'));
      if (file === undefined) continue;
      return { file, reason: first > 0 ? 'folders' : name.includes('\\') ? 'backslash' : 'form' };
    }
    return null;
  };
  return (name) => {
    const found = endOf(name);
    if (found) return found;
    const path = pathOfUrl(name);
    const match = path === null ? null : endOf(path);
    return match && { file: match.file, reason: 'url' };
  };
}

/** Without query, and decoded; of Label Studio's local files (`/data/local-files/?d=a.png`) what the query names. Null: no URL. */
function pathOfUrl(name: string): string | null {
  const path = /\?d=([^&]+)/.exec(name)?.[1] ?? name.replace(/[?#].*/, '');
  try {
    return path === name && !path.includes('%') ? null : decodeURIComponent(path);
  } catch {
    return null;
  }
}

function similarIn(listed: readonly string[]): (name: string) => string | undefined {
  const key = (name: string) => normal(name).toLowerCase();
  let files: Map<string, string> | undefined;
  return (name) => {
    files ??= new Map(listed.map((file) => [key(file), file]));
    return files.get(key(name));
  };
}

function sameFile(names: readonly string[], paths: readonly string[]): [number, number] | null {
  const first = new Map<string, number>();
  for (const [index, path] of paths.entries()) {
    const other = first.get(path);
    if (other === undefined) first.set(path, index);
    else if (names[other] !== names[index]) return [other, index];
  }
  return null;
}

function isThere(path: string): Promise<boolean> {
  return access(path).then(
    () => true,
    () => false,
  );
}
