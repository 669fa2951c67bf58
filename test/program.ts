import { resolve } from 'node:path';
import { pathToFileURL } from 'node:url';
import { format } from 'node:util';
import { vi } from 'vitest';
import * as devices from '../src/tensor/device.js';
import { sharedDevice } from './device.js';

/**
 * Runs a program that imports edgewise by name (vitest.config.ts says what that is) in this process and on the tests' device,
 * whose kernels are compiled: ten times quicker than a process of its own.
 * @returns the lines that it prints
 */
export async function runProgram(path: string): Promise<string[]> {
  const lines: string[] = [];
  const spies = [
    vi.spyOn(console, 'log').mockImplementation((...values) => void lines.push(format(...values))),
    vi.spyOn(devices, 'openDevice').mockImplementation(sharedDevice),
  ];
  try {
    await import(pathToFileURL(resolve(path)).href);
    return lines;
  } finally {
    for (const spy of spies) spy.mockRestore();
  }
}
