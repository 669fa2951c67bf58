/**
 * `npm run web` builds the page and serves it; `npm run web -- --build [FOLDER]` only writes it into a folder, dist/page
 * unless given: static files for any host, which ask for nothing from elsewhere.
 */
import { cpSync, mkdirSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { createServer } from 'node:http';
import { extname, join, normalize } from 'node:path';
import { parseArgs } from 'node:util';
import { bundleForBrowsers } from './bundle.js';

/** @type {Record<string, string>} */
const TYPES = { '.html': 'text/html; charset=utf-8', '.js': 'text/javascript', '.css': 'text/css' };
const PORT = 8080;

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: { build: { type: 'boolean', default: false }, port: { type: 'string' } },
});
const folder = positionals[0] ?? join('dist', 'page');
mkdirSync(folder, { recursive: true });
await bundleForBrowsers({
  entryPoints: { page: 'src/web/page/main.ts', worker: 'src/web/worker.ts', style: 'src/web/page/style.css' },
  outdir: folder,
  format: 'esm',
  splitting: true,
});
for (const file of ['index.html', 'teacher.safetensors']) cpSync(join('src/web/page', file), join(folder, file));
if (values.build) console.log(`${folder} holds the page; any static host can serve it.`);
else serve();

function serve() {
  const server = createServer(async ({ url }, response) => {
    const path = normalize(decodeURIComponent(new URL(url ?? '/', 'http://localhost').pathname));
    const file = path.endsWith('/') ? `${path}index.html` : path;
    const content = await readFile(join(folder, file)).catch(() => null);
    if (!content) response.writeHead(404).end();
    else response.writeHead(200, { 'content-type': TYPES[extname(file)] ?? 'application/octet-stream' }).end(content);
  });
  server.on('listening', () => {
    const address = server.address();
    const port = typeof address === 'object' ? address?.port : PORT;
    console.log(`http://localhost:${port}/ trains a teacher's two students; Ctrl-C stops.`);
  });
  server.once('error', (/** @type {NodeJS.ErrnoException} */ error) => {
    if (error.code !== 'EADDRINUSE' || values.port) throw error;
    server.listen(0, '127.0.0.1'); // any free one
  });
  server.listen(Number(values.port ?? PORT), '127.0.0.1');
}
