import { expect, test } from 'vitest';
import { missingPackage } from '../../src/util/missingPackage.js';

const failure = async (name: string) => import(/* @vite-ignore */ name).catch((error: unknown) => error);

test('a package that is not installed', async () => {
  const error = await failure('edgewise-has-no-such-package');
  expect(missingPackage('edgewise-has-no-such-package', 'which is absent', error)).toMatch(
    /^the npm package edgewise-has-no-such-package, which is absent, is not installed .*; npm install edgewise-has-no-such-package$/,
  );
});

test('a package that is there but lacks another, or has no build for the system', () => {
  const inner = Object.assign(new Error("Cannot find package 'detect-libc' imported from sharp"), {
    code: 'ERR_MODULE_NOT_FOUND',
  });
  expect(missingPackage('sharp', 'which reads images', inner)).toMatch(
    /sharp, which reads images, does not load on \w+ \w+: Cannot find package 'detect-libc'/,
  );
  const native = new Error('\nCould not load the "sharp" module using the linux-x64 runtime\nPossible solutions: …');
  expect(missingPackage('sharp', 'which reads images', native)).toMatch(
    /: Could not load the "sharp" module using the linux-x64 runtime$/,
  );
});
