/**
 * `npm run web` builds the page and serves it; `npm run web -- --build [FOLDER]` only writes it into a folder, dist/page
 * unless given: static files for any host, which ask for nothing from elsewhere.
 */
import { cpSync, mkdirSync } from 'node:fs';
import { join, relative } from 'node:path';
import { parseArgs } from 'node:util';
import { bundleForBrowsers } from './bundle.js';
import { listen, pageServer } from './serve.js';

const PORT = 8080;
/** Files of the page by their names there. */
const COPIED = {
  'index.html': 'src/web/page/index.html',
  'teacher.safetensors': 'models/shapes-small/checkpoint.safetensors',
};

try {
  const { folder, build, port } = readArguments();
  const names = await buildPage(folder);
  if (build) {
    console.log(`${folder} holds the page; any static host can serve it.`);
  } else {
    const at = await listen(pageServer(folder, names), port ?? PORT, { orAnother: port === null });
    console.log(`http://localhost:${at}/ trains a teacher's two students; Ctrl-C stops.`);
  }
} catch (error) {
  console.error(`web: ${error instanceof Error ? error.message : error}`);
  process.exitCode = 1;
}

/** @throws Error of one line, when an option is unknown or out of range */
function readArguments() {
  const { values, positionals } = parseArgs({
    allowPositionals: true,
    options: { build: { type: 'boolean', default: false }, port: { type: 'string' } },
  });
  const port = values.port === undefined ? null : Number(values.port);
  if (port !== null && !(Number.isInteger(port) && port >= 0 && port < 65536 && values.port?.trim())) {
    throw new Error(`--port is ${JSON.stringify(values.port)}; expected a number from 0 (any) to 65535`);
  }
  return { folder: positionals[0] ?? join('dist', 'page'), build: values.build, port };
}

/**
 * Writes the page into a folder.
 * @param {string} folder
 * @returns the files' names
 */
async function buildPage(folder) {
  mkdirSync(folder, { recursive: true });
  const { outputs } = await bundleForBrowsers({
    entryPoints: { page: 'src/web/page/main.ts', worker: 'src/web/worker.ts', style: 'src/web/page/style.css' },
    outdir: folder,
    format: 'esm',
    splitting: true,
  });
  for (const [name, file] of Object.entries(COPIED)) cpSync(file, join(folder, name));
  return [...Object.keys(COPIED), ...Object.keys(outputs).map((file) => relative(folder, file))];
}
