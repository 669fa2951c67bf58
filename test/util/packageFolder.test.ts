import { expect, test, vi } from 'vitest';

test('a bundle that the package is not beside says what to do', async () => {
  const resolve = () => {
    throw new Error("Cannot find module 'edgewise/package.json'");
  };
  vi.doMock('node:module', () => ({ createRequire: () => ({ resolve }) }));
  vi.resetModules();
  const { packageFolder } = await import('../../src/util/packageFolder.js');
  expect(packageFolder).toThrow(/^what comes with the package edgewise is not beside .*: npm install edgewise/);
});
