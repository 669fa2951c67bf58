import { type ChoiceName, type Choices, defaultChoices, possibleValues } from '../gpu/choices.js';
import { fields, listOf, notAsync, optional, options as optionsOf, text, work } from '../util/argument.js';
import { DeviceError } from '../util/error.js';
import { floatsOfHalves } from '../util/half.js';
import { tell } from '../util/terminal.js';
import type { Device, Tensor, Values } from './tensor.js';
import { assertTensor } from './tensorArgument.js';

const WORKLOADS = listOf(
  fields({ name: text, choices: listOf(text, 'names of choices'), run: work }),
  'workloads { name, choices, run }',
);
const TENSORS = listOf((name, value) => assertTensor(name, value, { type: 'any' }), 'tensors to compare');
const OPTIONS = optionsOf({ onProgress: optional(work), measure: optional(work) });

/** Rounds of a race. Each round runs every value once, so other load on the machine slows all of them. */
const ROUNDS = 7;
/** A value that took more than this fraction of the default's time in each of the first rounds is dropped. */
const EARLY_STOP = { rounds: 2, share: 1.1 };
/** A value is taken if it needs at most this fraction of the default's time. Smaller gains may be noise. */
const GAIN = 0.97;
/** Least milliseconds of a measurement. Shorter work is repeated, since the wait at the end takes some tenths. */
const MIN_TIME = 10;
const MAX_REPEATS = 20;
/**
 * Allowed difference to the defaults' output, as a fraction of its largest magnitude. Variants add in another order: f32 rounds
 * each of n sums by 6e-8, at random, and no sum here has more than about 10⁵ terms: √n · 6e-8 = 2e-5. A fault is far larger.
 */
const TOLERANCE = 2e-5;
/** Of what is stored in f16: rounding may put a value on the other side of a boundary, a step of 2⁻¹⁰ away. */
const HALF_TOLERANCE = TOLERANCE + 2 ** -10;

/** A piece of work whose time decides between variants. */
export interface Workload {
  /** For messages. */
  name: string;
  /** The choices that its kernels ask for. */
  choices: readonly ChoiceName[];
  /** Records the work once, with the same inputs each time, and returns what to compare; runs inside a `tidy`. */
  run: () => Tensor[];
}

/** How one choice was made. */
export interface ChoiceReport {
  /** Which. */
  choice: ChoiceName;
  /** Every value that the device can run, with its median time. */
  values: {
    /** What the kernels were launched with. */
    value: Choices[ChoiceName];
    /** Of the workloads together; null if it was refused. */
    milliseconds: number | null;
    /** How the results differ from the default's; null if they agree. */
    refused: string | null;
  }[];
  /** The adapter's default. */
  standard: Choices[ChoiceName];
  /** What the device has now: the default, unless a value was faster twice. */
  chosen: Choices[ChoiceName];
}

/** How `device.tune` measures and tells. */
export interface TuneOptions {
  /** Called before each choice is measured. */
  onProgress?: (choice: ChoiceName, done: number, of: number) => void;
  /** Milliseconds of one run; default: the clock round the queue. */
  measure?: (workload: Workload) => Promise<number>;
}

/**
 * Measures the values of every choice that a workload depends on, one choice after the other, the others at the best so far
 * (coordinate descent from the defaults, one pass). A value must give the default's results, up to rounding, and then win twice:
 * against all values, and once more against the default alone. The device has the choices afterwards.
 * @throws InputError without workloads; what a workload throws with the default choices: the device's choices are then as before
 */
export async function tuneChoices(
  device: Device,
  workloads: readonly Workload[],
  options: TuneOptions = {},
): Promise<ChoiceReport[]> {
  WORKLOADS('workloads', workloads);
  OPTIONS('options', options);
  const { onProgress, measure = clock(device) } = options;
  const before = device.choices;
  const standard = defaultChoices(device.gpu);
  const names = (Object.keys(standard) as ChoiceName[]).filter((name) =>
    workloads.some(({ choices }) => choices.includes(name)),
  );
  const reports: ChoiceReport[] = [];
  try {
    for (const name of names) device.setChoices({ ...device.choices, [name]: standard[name] });
    const expected = new Map<Workload, Output[]>();
    for (const workload of workloads) expected.set(workload, await outputsOf(device, workload));

    for (const [index, name] of names.entries()) {
      onProgress?.(name, index, names.length);
      const concerned = workloads.filter(({ choices }) => choices.includes(name));
      const choose = (value: ChoiceReport['chosen']) => device.setChoices({ ...device.choices, [name]: value });
      const values: ChoiceReport['values'] = [];
      for (const value of possibleValues(device.gpu, name)) {
        choose(value);
        const refused = value === standard[name] ? null : await faultOf(device, concerned, expected);
        if (refused) {
          tell(`edgewise: ${name} = ${value} is refused on ${device.adapter.name}: ${refused}`);
        }
        values.push({ value, milliseconds: null, refused });
      }

      const contenders = values.filter(({ refused }) => !refused).map(({ value }) => value);
      const time = async (value: ChoiceReport['chosen']) => {
        choose(value);
        let sum = 0;
        for (const workload of concerned) sum += await measure(workload);
        return sum;
      };
      const first = await race(contenders, standard[name], time);
      for (const entry of values) entry.milliseconds = first.medians.get(entry.value) ?? null;
      const isConfirmed =
        first.winner !== standard[name] &&
        (await race([standard[name], first.winner], standard[name], time)).winner === first.winner;
      const chosen = isConfirmed ? first.winner : standard[name];
      choose(chosen);
      reports.push({ choice: name, values, standard: standard[name], chosen });
    }
    return reports;
  } catch (error) {
    device.setChoices(before);
    throw error;
  }
}

/** Times all values round by round; the winner is the fastest one, or the default where none gains enough on it. */
async function race<V>(values: readonly V[], standard: V, time: (value: V) => Promise<number>) {
  const times = new Map(values.map((value) => [value, [] as number[]]));
  const shares = (value: V) => {
    const [own, base] = [times.get(value) ?? [], times.get(standard) ?? []];
    return own.map((milliseconds, round) => milliseconds / base[round]);
  };
  let running = [...values];
  for (let round = 0; round < ROUNDS; round++) {
    // Each round starts with another value, since the first one may find cold caches.
    for (const i of running.keys()) {
      const value = running[(round + i) % running.length];
      times.get(value)?.push(await time(value));
    }
    if (round + 1 === EARLY_STOP.rounds) {
      running = running.filter((value) => Math.min(...shares(value)) <= EARLY_STOP.share);
    }
  }
  const medians = new Map([...times].map(([value, list]) => [value, median(list)]));
  let [winner, best] = [standard, GAIN];
  for (const value of running) {
    const share = median(shares(value));
    if (share <= best) [winner, best] = [value, share];
  }
  return { winner, medians };
}

interface Output {
  values: Values;
  /** Allowed difference. */
  tolerance: number;
}

/** How the current choices' results differ from the defaults'; null if they agree. */
async function faultOf(
  device: Device,
  workloads: readonly Workload[],
  expected: ReadonlyMap<Workload, readonly Output[]>,
): Promise<string | null> {
  for (const workload of workloads) {
    let outputs: Output[];
    try {
      outputs = await outputsOf(device, workload);
    } catch (error) {
      if (!(error instanceof DeviceError) || error.lost) throw error;
      return `${workload.name}: ${error.message}`;
    }
    for (const [index, wanted] of (expected.get(workload) ?? []).entries()) {
      const difference = differenceOf(outputs[index].values, wanted.values);
      const { tolerance } = wanted;
      if (!(difference <= tolerance)) {
        return `${workload.name}: output ${index} differs from the default's by ${difference.toExponential(1)} of its largest value; at most ${tolerance} is rounding.`;
      }
    }
  }
  return null;
}

/** Largest difference as a fraction of the largest magnitude; infinite if only one holds a NaN or an infinity. */
function differenceOf(output: Values, expected: Values): number {
  let [largest, difference] = [0, 0];
  // A plain loop: there are millions of elements.
  for (let i = 0; i < expected.length; i++) {
    largest = Math.max(largest, Math.abs(expected[i]));
    if (Object.is(output[i], expected[i])) continue;
    const own = Math.abs(output[i] - expected[i]);
    difference = Math.max(difference, Number.isNaN(own) ? Infinity : own);
  }
  return difference === 0 ? 0 : difference / largest;
}

/** Each read records its copy at once, before `tidy` takes the tensors back. */
function outputsOf(device: Device, { run }: Workload): Promise<Output[]> {
  return Promise.all(
    device.tidy(() => {
      const outputs = notAsync('workloads', run());
      TENSORS('workloads: what run gives', outputs);
      return outputs.map(outputOf);
    }),
  );
}

async function outputOf(tensor: Tensor): Promise<Output> {
  if (tensor.type !== 'f16') return { values: await tensor.read(), tolerance: TOLERANCE };
  const { buffer, offset } = tensor.range;
  const halves = new Uint16Array(await tensor.device.read({ buffer, offset, size: tensor.bytes }));
  return { values: floatsOfHalves(halves.subarray(0, tensor.size)), tolerance: HALF_TOLERANCE };
}

/** Time from the first launch to the last result, over enough repeats to be measurable. */
function clock(device: Device): (workload: Workload) => Promise<number> {
  const repeats = new Map<Workload, number>();
  const run = async (workload: Workload, times: number) => {
    await device.settled();
    const start = performance.now();
    for (let i = 0; i < times; i++) device.tidy(() => void workload.run());
    await device.settled();
    return (performance.now() - start) / times;
  };
  return async (workload) => {
    let times = repeats.get(workload);
    if (times === undefined) {
      times = Math.min(MAX_REPEATS, Math.ceil(MIN_TIME / (await run(workload, 1))));
      repeats.set(workload, times);
    }
    return run(workload, times);
  };
}

function median(values: readonly number[]): number {
  return [...values].sort((a, b) => a - b)[values.length >> 1];
}
