/**
 * `npm run web` builds the page and serves it; `npm run web -- --build [FOLDER]` writes it into a folder (dist/page) that any
 * static host can serve, or none: it needs no network.
 */
import { cpSync, mkdirSync, rmSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { createServer } from 'node:http';
import { extname, join, normalize } from 'node:path';
import { parseArgs } from 'node:util';
import { bundleForBrowsers } from './bundle.js';

const TYPES = { '.html': 'text/html', '.js': 'text/javascript', '.css': 'text/css' };

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: { build: { type: 'boolean', default: false }, port: { type: 'string', default: '8080' } },
});
const folder = positionals[0] ?? 'dist/page';
rmSync(folder, { recursive: true, force: true });
mkdirSync(folder, { recursive: true });
await bundleForBrowsers({
  entryPoints: { page: 'src/web/page/main.ts', worker: 'src/web/worker.ts', style: 'src/web/page/style.css' },
  outdir: folder,
  format: 'esm',
  splitting: true,
});
for (const file of ['index.html', 'teacher.safetensors']) cpSync(join('src/web/page', file), join(folder, file));
if (values.build) console.log(`${folder} holds the page; serve it from anywhere`);
else serve(Number(values.port));

/** @param {number} port 0: a free one */
function serve(port) {
  const server = createServer(async ({ url }, response) => {
    const path = normalize(decodeURIComponent(new URL(url ?? '/', 'http://localhost').pathname));
    const file = path.endsWith('/') ? `${path}index.html` : path;
    try {
      const content = await readFile(join(folder, file));
      const type = TYPES[/** @type {keyof typeof TYPES} */ (extname(file))] ?? 'application/octet-stream';
      response.writeHead(200, { 'content-type': type, 'cache-control': 'no-store' }).end(content);
    } catch {
      response.writeHead(404).end('not found');
    }
  });
  server.listen(port, '127.0.0.1', () => {
    const address = /** @type {import('node:net').AddressInfo} */ (server.address());
    console.log(`http://localhost:${address.port}/ shows a teacher and two students; Ctrl-C stops`);
  });
}
