import { readFileSync } from 'node:fs';
import { createServer } from 'node:http';
import { extname, join } from 'node:path';

/** @type {Record<string, string>} */
const TYPES = { '.html': 'text/html; charset=utf-8', '.js': 'text/javascript; charset=utf-8', '.css': 'text/css' };

/**
 * A server of a few files, which it reads now: no request can reach another file, and none can fail.
 * @param {string} folder
 * @param {readonly string[]} names files in the folder; / is index.html
 */
export function pageServer(folder, names) {
  const files = new Map(
    names.map((name) => [
      `/${name}`,
      { type: TYPES[extname(name)] ?? 'application/octet-stream', content: readFileSync(join(folder, name)) },
    ]),
  );
  return createServer(({ url, method }, response) => {
    const [path] = String(url).split('?', 1);
    const file = files.get(path === '/' ? '/index.html' : path);
    if (method !== 'GET' && method !== 'HEAD') response.writeHead(405, { allow: 'GET, HEAD' }).end();
    else if (!file) response.writeHead(404).end();
    else
      response.writeHead(200, { 'content-type': file.type, 'content-length': file.content.length }).end(file.content);
  });
}

/**
 * Listens on this machine alone.
 * @param {import('node:http').Server} server
 * @param {number} port
 * @param {{ orAnother?: boolean }} [options] whether any free port will do where this one is taken
 * @returns {Promise<number>} the port
 * @throws Error of one line, when the port cannot be had
 */
export function listen(server, port, { orAnother = false } = {}) {
  return new Promise((resolve, reject) => {
    server.once('listening', () => {
      const address = server.address();
      server.removeAllListeners('error');
      resolve(typeof address === 'object' && address ? address.port : port);
    });
    server.on('error', (/** @type {NodeJS.ErrnoException} */ { code }) => {
      if (code === 'EADDRINUSE' && orAnother) server.listen(0, '127.0.0.1');
      else if (code === 'EADDRINUSE') reject(new Error(`port ${port} is in use; give another --port`));
      else reject(new Error(`port ${port} cannot be listened on (${code}); give another --port`));
    });
    server.listen(port, '127.0.0.1');
  });
}
