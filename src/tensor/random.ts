/** Mixes a 32-bit integer (the finaliser of MurmurHash3). */
function mix(value: number): number {
  let h = value | 0;
  h = Math.imul(h ^ (h >>> 16), 0x85ebca6b);
  h = Math.imul(h ^ (h >>> 13), 0xc2b2ae35);
  return (h ^ (h >>> 16)) >>> 0;
}

/**
 * A seeded generator (sfc32). The same keys give the same numbers on every machine.
 * Work that must be resumable derives a generator from what it does, `Random.of(seed, epoch, image)`,
 * so that no state but those keys has to be kept.
 */
export class Random {
  #state: [number, number, number, number];

  /** @param keys integers that name the stream, for instance seed, epoch and image index */
  static of(...keys: number[]): Random {
    let h = 0x9e3779b9;
    const words = [0, 1, 2, 3].map((word) => {
      h = mix(h ^ word);
      for (const key of keys) h = mix((h + Math.imul(key | 0, 0x9e3779b1) + Math.floor(key / 4294967296)) | 0);
      return h;
    });
    return new Random(words as [number, number, number, number]);
  }

  private constructor(state: [number, number, number, number]) {
    this.#state = state;
    for (let i = 0; i < 12; i++) this.next();
  }

  /** Uniform in [0, 1), 32 bits of resolution. */
  next(): number {
    const s = this.#state;
    const t = (s[0] + s[1] + s[3]) | 0;
    s[3] = (s[3] + 1) | 0;
    s[0] = s[1] ^ (s[1] >>> 9);
    s[1] = (s[2] + (s[2] << 3)) | 0;
    s[2] = ((s[2] << 21) | (s[2] >>> 11)) + t;
    return (t >>> 0) / 4294967296;
  }

  /** Uniform in [low, high). */
  uniform(low: number, high: number): number {
    return low + (high - low) * this.next();
  }

  /** Uniform integer in [0, count). */
  integer(count: number): number {
    return Math.floor(this.next() * count);
  }

  /** Standard normal (Box–Muller, one of the pair). */
  normal(): number {
    const radius = Math.sqrt(-2 * Math.log(1 - this.next()));
    return radius * Math.cos(2 * Math.PI * this.next());
  }

  /** Shuffles in place (Fisher–Yates) and returns the same array. */
  shuffle<T>(items: T[]): T[] {
    for (let i = items.length - 1; i > 0; i--) {
      const j = this.integer(i + 1);
      const held = items[i];
      items[i] = items[j];
      items[j] = held;
    }
    return items;
  }
}
