import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import type { Server } from 'node:http';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { listen, pageServer } from '../../scripts/serve.js';

const folder = mkdtempSync(join(tmpdir(), 'edgewise-serve-'));
let server: Server;
let port: number;
beforeAll(async () => {
  for (const [name, content] of Object.entries({ 'index.html': '<p>page', 'a.js': 'script', secret: 'secret' })) {
    writeFileSync(join(folder, name), content);
  }
  server = pageServer(folder, ['index.html', 'a.js']);
  port = await listen(server, 0);
});
afterAll(() => {
  server.close();
  rmSync(folder, { recursive: true });
});

/** Sends bytes as they are. @returns status and body; '' where the server closed without an answer */
function send(bytes: string | Buffer): Promise<{ status: string; body: string; head: string }> {
  return new Promise((resolve) => {
    const socket = connect(port, '127.0.0.1', () => socket.end(bytes));
    let text = '';
    socket.on('data', (chunk) => {
      text += chunk;
    });
    socket.on('error', () => undefined);
    socket.on('close', () => {
      const [head, body = ''] = text.split('\r\n\r\n', 2);
      resolve({ status: /^HTTP\/1\.1 (\d+)/.exec(head)?.[1] ?? '', body, head });
    });
  });
}

const get = (path: string, method = 'GET', headers = '') =>
  send(`${method} ${path} HTTP/1.1\r\nhost: x\r\nconnection: close\r\n${headers}\r\n`);

test('serves its files and nothing else', async () => {
  expect(await get('/')).toMatchObject({ status: '200', body: '<p>page' });
  expect(await get('/a.js?v=1')).toMatchObject({ status: '200', body: 'script' });
  expect((await get('/a.js')).head).toMatch(/content-type: text\/javascript/);
  const others = [
    '/secret',
    '/..',
    '/../secret',
    '//etc/passwd',
    '/etc/passwd',
    `${folder}/secret`,
    '/a.js/',
    '/./a.js',
  ];
  const odd = [
    '/%',
    '/%00',
    '/%2e%2e/secret',
    '/a.js%00',
    '/%ff',
    '/\\..\\secret',
    '*',
    'http://x/secret',
    '/__proto__',
  ];
  for (const path of [...others, ...odd]) expect([path, (await get(path)).status]).toEqual([path, '404']);
});

test('other methods, ranges and headers do no harm', async () => {
  const { status, body, head } = await get('/', 'HEAD');
  expect([status, body]).toEqual(['200', '']);
  expect(head).toMatch(/content-length: 7/);
  for (const method of ['POST', 'PUT', 'DELETE', 'OPTIONS', 'PROPFIND']) {
    expect(await get('/', method)).toMatchObject({ status: '405', head: expect.stringMatching(/allow: GET, HEAD/) });
  }
  expect(await get('/', 'GET', 'range: bytes=5-2\r\n')).toMatchObject({ status: '200', body: '<p>page' });
  expect((await get('/', 'GET', `x: ${'y'.repeat(1 << 20)}\r\n`)).status).toMatch(/^(431)?$/);
  expect((await get(`/${'y'.repeat(1 << 20)}`)).status).toMatch(/^(431)?$/);
});

test('survives what is no request, and those who leave', async () => {
  for (const bytes of ['', '\0\0\0', 'GET\r\n\r\n', 'GET / HTTP/9.9\r\n\r\n', 'CONNECT x:1 HTTP/1.1\r\n\r\n'])
    await send(bytes);
  for (let i = 0; i < 5; i++) {
    await new Promise((resolve) => {
      const socket = connect(port, '127.0.0.1', () => {
        socket.write('GET / HTTP/1.1\r\nhost: x\r\n\r\n');
        socket.resetAndDestroy();
      });
      socket.on('close', resolve);
    });
  }
  await fc.assert(
    fc.asyncProperty(fc.uint8Array({ maxLength: 40 }), async (bytes) => {
      await send(
        Buffer.concat([Buffer.from('GET /'), bytes, Buffer.from(' HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n')]),
      );
    }),
    { numRuns: 50 },
  );
  expect((await get('/')).status).toBe('200');
});

test('a port that is in use gives one line, or another port', async () => {
  const other = pageServer(folder, []);
  await expect(listen(other, port)).rejects.toThrow(new Error(`port ${port} is in use; give another --port`));
  expect(await listen(other, port, { orAnother: true })).not.toBe(port);
  other.close();
});
