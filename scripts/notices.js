import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';

/**
 * Licences and notices of the packages that became part of bundles, as these ask for.
 * @param {import('esbuild').Metafile[]} metafiles
 */
export function notices(metafiles) {
  const files = metafiles.flatMap(({ inputs }) => Object.keys(inputs));
  const found = files.flatMap((file) => /^.*node_modules\/(?:@[^/]+\/)?[^/]+/.exec(file)?.[0] ?? []);
  return [...new Set(found)]
    .sort()
    .map(notice)
    .join(`\n${'-'.repeat(80)}\n\n`);
}

/** @param {string} folder of a package */
function notice(folder) {
  const { name, version, license } = JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8'));
  const files = readdirSync(folder, { withFileTypes: true }).flatMap((entry) => {
    if (!/^(licen[cs]e|notice|copying)/i.test(entry.name)) return [];
    const path = join(folder, entry.name);
    return entry.isDirectory() ? readdirSync(path).map((file) => join(path, file)) : [path];
  });
  const texts = files.map((file) => readFileSync(file, 'utf8').trim());
  return `${name} ${version} (${license})\n\n${texts.join('\n\n')}\n`;
}
