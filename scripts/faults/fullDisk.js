/** Work on a disk that is too small: one line says so, what was there is whole, and with room the work goes on. */
import { execFileSync } from 'node:child_process';
import { existsSync, mkdirSync, statfsSync } from 'node:fs';
import { join } from 'node:path';
import { assert, assertSame, contentsOf, run } from './process.js';
import { goOn } from './work.js';

const ROOMY = 256 << 20;
const FULL = /^edgewise: [^\n]* cannot be written: the disk is full: free some space[^\n]*\(ENOSPC\)\.$/m;

/** A disk of memory at a folder. */
class Disk {
  /** @param {string} folder */
  constructor(folder) {
    this.folder = folder;
    mkdirSync(folder, { recursive: true });
    mount(`size=${ROOMY}`, folder);
  }

  get used() {
    const { blocks, bfree, bsize } = statfsSync(this.folder);
    return (blocks - bfree) * bsize;
  }

  /** @param {number} room bytes that may be added to what it holds */
  leave(room) {
    mount(`remount,size=${Math.ceil(this.used + Math.max(room, 4096))}`, this.folder);
  }

  enlarge() {
    mount(`remount,size=${ROOMY}`, this.folder);
  }

  remove() {
    execFileSync('umount', ['-l', this.folder]);
  }
}

/** @param {string} options @param {string} folder */
function mount(options, folder) {
  execFileSync('mount', ['-t', 'tmpfs', '-o', options, 'tmpfs', folder], { stdio: 'ignore' });
}

/** Whether this process may mount a disk. @param {string} folder */
export function canMount(folder) {
  try {
    new Disk(join(folder, 'disk')).remove();
    return true;
  } catch {
    return false;
  }
}

/**
 * A trial on a disk: `full` tells how often the disk was.
 * @typedef {{ name: string, trial: (disk: Disk) => Promise<number> }} Trial
 */

/**
 * A long work is stopped by a full disk twice, the second time with a little more room, and goes on once there is enough.
 * @param {{ work: import('./work.js').Work, straight: string }} known
 * @returns {Trial}
 */
function ofWork({ work, straight }) {
  const size = sum([...contentsOf(straight).values()].map(({ byteLength }) => byteLength));
  const next = (/** @type {string} */ out) => goOn(work, out, existsSync(join(out, 'checkpoint.safetensors')));
  return {
    name: work.name,
    trial: async (disk) => {
      const out = join(disk.folder, 'out');
      const history = [];
      let full = 0;
      for (const share of [0.8, 1.2, Infinity]) {
        if (share === Infinity) disk.enlarge();
        else disk.leave(Math.random() * share * size);
        const { code, output } = await run(next(out));
        history.push(output);
        if (code === 0) break;
        assert(FULL.test(output) && share < Infinity, `not told that the disk is full, or it is not:\n${output}`);
        full++;
      }
      assertSame(out, straight, history.join('\n'));
      return full;
    },
  };
}

/**
 * A command that replaces what an earlier one has written.
 * @param {string} name
 * @param {(from: string, disk: string) => string[]} command
 * @param {[string, string]} runs that it takes, earlier and now
 * @returns {Trial}
 */
function ofOutput(name, command, [earlier, now]) {
  return {
    name,
    trial: async (disk) => {
      const write = async (/** @type {string} */ from) => {
        const { code, output } = await run(command(from, disk.folder));
        assert(code === 0, output);
        return contentsOf(disk.folder);
      };
      const wanted = await write(now);
      const before = await write(earlier);
      disk.leave(Math.random() * Math.max(...[...wanted.values()].map(({ byteLength }) => byteLength)));
      const { code, output } = await run(command(now, disk.folder));
      const after = contentsOf(disk.folder);
      for (const [path, content] of after) {
        const whole = code === 0 ? [wanted] : [before, wanted];
        assert(
          whole.some((files) => files.get(path)?.equals(content)),
          `${path} is neither as it was nor whole\n${output}`,
        );
      }
      const lost = [...before.keys()].filter((path) => !after.has(path));
      assert(lost.length === 0, `${lost.join(', ')} lost\n${output}`);
      assert(code === 0 || FULL.test(output), `not told that the disk is full:\n${output}`);
      disk.enlarge();
      await write(now);
      return code === 0 ? 0 : 1;
    },
  };
}

/** @param {number[]} values */
function sum(values) {
  return values.reduce((a, b) => a + b, 0);
}

/**
 * Trials until a full disk has stopped so many commands.
 * @param {{ works: { work: import('./work.js').Work, straight: string }[], folder: string, full: number }} options
 * @param {(line: string) => void} tell
 */
export async function tryFullDisk({ works, folder, full }, tell) {
  const runs = /** @type {[string, string]} */ (works.slice(0, 2).map(({ straight }) => straight));
  const at = (/** @type {string} */ disk, /** @type {string} */ name) => join(disk, name);
  const trials = [
    ...works.map(ofWork),
    ofOutput('export', (from, disk) => ['export', from, '--safetensors', at(disk, 'weights.safetensors')], runs),
    ofOutput('export --onnx', (from, disk) => ['export', from, '--onnx', at(disk, 'model.onnx')], runs),
    ofOutput('report', (from, disk) => ['report', from, '--images', '2', '--out', at(disk, 'report.html')], runs),
  ];
  let done = 0;
  for (let turn = 0; done < full; turn++) {
    const { name, trial } = trials[turn % trials.length];
    const disk = new Disk(join(folder, 'disk'));
    try {
      const times = await trial(disk);
      done += times;
      tell(
        `${name}: ${times === 0 ? 'there was room' : `full ${times} times, each one line`}; what was there is whole, the end the same`,
      );
    } finally {
      disk.remove();
    }
  }
  return done;
}
