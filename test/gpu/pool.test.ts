import fc from 'fast-check';
import { expect, test } from 'vitest';
import { BufferPool } from '../../src/gpu/pool.js';

/** Buffers that are sizes only. */
function fakeBuffers() {
  const destroyed: number[] = [];
  const make = ({ size }: { size: number }) => ({ size, destroy: () => destroyed.push(size) }) as unknown as GPUBuffer;
  return { make, destroyed };
}

test('freed buffers are used again, and the bytes are right', () => {
  fc.assert(
    fc.property(fc.array(fc.tuple(fc.boolean(), fc.integer({ min: 0, max: 1e7 })), { maxLength: 60 }), (actions) => {
      const { make, destroyed } = fakeBuffers();
      const pool = new BufferPool(make);
      const used: GPUBuffer[] = [];
      for (const [takes, number] of actions) {
        if (takes) {
          const buffer = pool.take(number);
          expect(buffer.size).toBeGreaterThanOrEqual(number);
          expect(buffer.size % 256).toBe(0);
          expect(buffer.size).toBeLessThanOrEqual(Math.max(256, 1.25 * number + 256));
          expect(used).not.toContain(buffer);
          used.push(buffer);
        } else if (used.length > 0) {
          pool.give(used.splice(number % used.length, 1)[0]);
        }
        expect(pool.usedBytes).toBe(used.reduce((sum, { size }) => sum + size, 0));
      }
      const held = pool.heldBytes;
      for (const { size } of used.splice(0)) expect(size).toBeLessThanOrEqual(held);
      pool.destroy();
      expect(destroyed.reduce((sum, size) => sum + size, 0)).toBe(held);
      expect(pool.heldBytes).toBe(0);
    }),
  );
});
