import fc from 'fast-check';
import { expect, test } from 'vitest';
import { type BufferPlan, type BufferUse, PLANNED, planBuffers } from '../../src/gpu/bufferPlan.js';
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

/** Requests, in their order, and which earlier one is given back before each; null: none. */
type Work = readonly { bytes: number; gives: number | null }[];

const work: fc.Arbitrary<Work> = fc.array(
  fc.record({
    // Of few sizes, so that other work asks for what a plan has.
    bytes: fc.oneof(fc.integer({ min: 1, max: 40 * PLANNED }), fc.constantFrom(PLANNED, 2 * PLANNED, 7 * PLANNED)),
    gives: fc.option(fc.nat()),
  }),
  { minLength: 1, maxLength: 40 },
);

/** Does the work with a pool, and gives all back. */
function perform(pool: BufferPool, todo: Work): BufferUse[] {
  const used: { buffer: GPUBuffer; use: BufferUse }[] = [];
  const uses: BufferUse[] = [];
  let time = 0;
  const give = (index: number) => {
    const [{ buffer, use }] = used.splice(index, 1);
    use.to = time++;
    pool.give(buffer);
  };
  for (const { bytes, gives } of todo) {
    if (gives !== null && used.length > 0) give(gives % used.length);
    const buffer = pool.take(bytes);
    expect(buffer.size).toBeGreaterThanOrEqual(bytes);
    expect(used.some((other) => other.buffer === buffer)).toBe(false);
    const use = { bytes, from: time++, to: Number.POSITIVE_INFINITY };
    used.push({ buffer, use });
    uses.push(use);
    expect(pool.usedBytes).toBe(used.reduce((sum, { buffer: { size } }) => sum + size, 0));
  }
  while (used.length > 0) give(0);
  expect(pool.usedBytes).toBe(0);
  return uses;
}

const bytesOf = ({ sizes }: BufferPlan) => sizes.reduce((sum, size) => sum + size, 0);
const small = (todo: Work) => todo.filter(({ bytes }) => bytes < PLANNED).length * 1.25 * PLANNED;

test('requests that overlap have different buffers in a plan, each large enough, and work that follows it needs no others', () => {
  fc.assert(
    fc.property(work, (todo) => {
      const { make } = fakeBuffers();
      const uses = perform(new BufferPool(make), todo);
      const plan = planBuffers(uses);
      const planned = uses.filter(({ bytes }) => bytes >= PLANNED);
      expect(plan.requests.map(({ bytes }) => bytes)).toEqual(planned.map(({ bytes }) => bytes));
      for (const [i, { bytes, buffer }] of plan.requests.entries()) {
        expect(plan.sizes[buffer]).toBeGreaterThanOrEqual(bytes);
        for (let k = 0; k < i; k++) {
          const isApart = planned[k].to < planned[i].from || planned[i].to < planned[k].from;
          if (plan.requests[k].buffer === buffer) expect(isApart).toBe(true);
        }
      }
      const pool = new BufferPool(make);
      for (let turn = 0; turn < 3; turn++) {
        pool.follow(plan);
        perform(pool, todo);
        pool.follow(null);
        expect(pool.heldBytes).toBeLessThanOrEqual(bytesOf(plan) + small(todo));
      }
    }),
  );
});

test('a plan that is over leaves what is in use, and counts it as the pool does', () => {
  const { make, destroyed } = fakeBuffers();
  const pool = new BufferPool(make);
  const uses = [0, 1].map((at) => ({ bytes: 2 * PLANNED, from: at, to: 2 + at }));
  pool.follow(planBuffers(uses));
  const [kept, freed] = uses.map(({ bytes }) => pool.take(bytes));
  pool.give(freed);
  pool.forget();
  expect(destroyed).toEqual([freed.size]);
  expect(pool.plan).toBe(null);
  expect([pool.heldBytes, pool.usedBytes]).toEqual([kept.size, kept.size]);
  pool.give(kept);
  expect([pool.heldBytes, pool.usedBytes]).toEqual([kept.size, 0]);
  expect(pool.take(2 * PLANNED)).toBe(kept);
});

test('other work than a plan has may use its buffers or others, before, in place of it and after', () => {
  fc.assert(
    fc.property(fc.array(work, { minLength: 1, maxLength: 4 }), work, (todos, last) => {
      const { make, destroyed } = fakeBuffers();
      const plans = todos.map((todo) => planBuffers(perform(new BufferPool(make), todo)));
      const pool = new BufferPool(make);
      for (const [i, plan] of plans.entries()) {
        pool.follow(plan);
        perform(pool, todos[(i + 1) % todos.length]);
        pool.follow(null);
        perform(pool, last);
      }
      const held = pool.heldBytes;
      const before = destroyed.reduce((sum, size) => sum + size, 0);
      pool.destroy();
      expect(destroyed.reduce((sum, size) => sum + size, 0) - before).toBe(held);
    }),
  );
});

test('a plan that another takes the place of leaves nothing but what is in use', () => {
  const { make, destroyed } = fakeBuffers();
  const pool = new BufferPool(make);
  const plan = { sizes: [4 * PLANNED, 2 * PLANNED], requests: [0, 1].map((buffer) => ({ bytes: PLANNED, buffer })) };
  pool.follow(plan);
  const [first, second] = [pool.take(PLANNED), pool.take(PLANNED)];
  expect([first.size, second.size]).toEqual(plan.sizes);
  pool.give(first);
  pool.follow(null);
  // Without requests of a plan the smallest that is free.
  expect(pool.take(3 * PLANNED)).toBe(first);
  pool.give(first);
  pool.follow({ sizes: [], requests: [] });
  expect(destroyed).toEqual([4 * PLANNED]);
  expect([pool.heldBytes, pool.usedBytes]).toEqual([2 * PLANNED, 2 * PLANNED]);
  pool.give(second);
  expect(pool.take(2 * PLANNED)).toBe(second);
});
