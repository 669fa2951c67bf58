import { brief } from '../util/brief.js';
import { InputError } from '../util/error.js';
import { MATRIX_FEATURE, matricesOf } from './matrices.js';

/** What the defaults, and the possible values, depend on. */
interface AdapterTraits {
  /** Of its largest subgroups. */
  lanes: number;
  /** Kernels run on a few threads of a processor, where barriers and unused invocations cost more than they save. */
  processor: boolean;
  /** The device has subgroups, of at least the four lanes that the kernels need. */
  subgroups: boolean;
  /** It has subgroup matrices, of sizes that the kernels have. */
  matrices: boolean;
}

interface Declaration<V extends ChoiceValue> {
  values: readonly V[];
  standard: (adapter: AdapterTraits) => V;
}

type ChoiceValue = number | string;

/**
 * Every choice between variants of kernels: its values, and the default where nothing was measured.
 * A kernel asks for its own at each launch: `device.choice('tile.workgroup')`. All values of a choice give the same results up
 * to rounding. `device.tune` measures them.
 */
const CHOICES = {
  /** Invocations of a workgroup of a kernel of tiles. Few on a processor: on small maps the last workgroup has fewer idle ones. */
  'tile.workgroup': choice([8, 16, 32, 64, 128, 256], ({ processor }) => (processor ? 16 : 64)),
  /** Invocations of a workgroup that adds up. Few on a processor, which at each barrier switches between all its vectors. */
  'reduction.workgroup': choice([8, 16, 32, 64, 128, 256], ({ processor }) => (processor ? 8 : 64)),
  /**
   * How 3×3 and 1×1 convolutions are computed: by kernels that keep tiles in registers and read memory directly, or as products of matrices
   * whose tiles of 64 or 128 channels × 64 pixels, 32 × 128 for few channels, go through workgroup memory. On a processor that is memory like
   * any other.
   * `winograd`: 3×3 of stride 1 with 16 products for four pixels in place of 36, the others as tiles-64.
   * `matrices`: as tiles-64, multiplied by subgroup matrices; maps of a type that the device has none for as tiles-64.
   */
  'convolution.kernel': choice(['registers', 'tiles-64', 'tiles-128', 'winograd', 'matrices'], ({ processor }) =>
    processor ? 'registers' : 'tiles-64',
  ),
  /** Likewise, how the gradients of their weights are. */
  'weightGradient.kernel': choice(['registers', 'tiles', 'matrices'], ({ processor }) =>
    processor ? 'registers' : 'tiles',
  ),
  /**
   * How depthwise convolutions read rows of whole quads. SwiftShader, whose subgroups have four lanes, reads a quad no faster than its numbers, and
   * does not need all of them.
   */
  'depthwise.reads': choice(['quads', 'numbers'], ({ lanes }) => (lanes <= MIN_LANES ? 'numbers' : 'quads')),
  /** How a convolution reads its weights: shared in subgroups, or read by every invocation. */
  'convolution.weights': choice(['subgroups', 'direct'], ({ subgroups }) => (subgroups ? 'subgroups' : 'direct')),
  /** Likewise, how the gradient of the weights reads the incoming gradients. */
  'weightGradient.incoming': choice(['subgroups', 'direct'], ({ subgroups }) => (subgroups ? 'subgroups' : 'direct')),
  /** Invocations of the gradient of the weights. More mean more chunks: more parallelism, and more memory. */
  'weightGradient.invocations': choice([512, 1024, 2048, 4096, 8192, 16384], ({ processor }) =>
    processor ? 1024 : 8192,
  ),
  /** Classes that a workgroup of the pass over all class logits takes: with more, caches miss; with fewer, there is more to add. */
  'stream.planes': choice([4, 8, 16, 32], () => 16),
  /** vec4s of a class's plane that an invocation of that pass takes. */
  'stream.turns': choice([1, 2, 4, 8], () => 2),
  /** Most workgroups that share the samples of the head loss. On CPU adapters an empty workgroup costs as much as a full one. */
  'rows.workgroups': choice([4, 8, 16, 64, 256, 1024], ({ processor }) => (processor ? 16 : 1024)),
  /**
   * Who lists the samples of an assignment: a workgroup an image, object after object in one dispatch; or workgroups of each object (of a given
   * assignment: of each part of an image) in several dispatches, since on a GPU one workgroup leaves most of it idle. Likewise who scores positives
   * by the IoU of their boxes, and who chooses general instances. The results are the same bits.
   */
  'lists.workgroups': choice(['image', 'objects'], ({ processor }) => (processor ? 'image' : 'objects')),
  /**
   * Likewise, who adds up the losses: a workgroup a level; or one for each source of losses on each level, with several reads under way at once,
   * and one more dispatch. The order of additions, and so every bit, is the same.
   */
  'terms.workgroups': choice(['levels', 'sources'], ({ processor }) => (processor ? 'levels' : 'sources')),
  /**
   * Who computes group norms: a workgroup for each image and group; or one for each piece of a channel's map in two dispatches, since on a GPU groups
   * are too few.
   */
  'norm.workgroups': choice(['group', 'pieces'], ({ processor }) => (processor ? 'group' : 'pieces')),
  /** Loops over bins: written out for the compiler (unroll.ts), or left to it. */
  'bins.loops': choice(['unrolled', 'rolled'], () => 'unrolled'),
};

/** The name of a choice between variants of kernels: what `Choices` has a value for. */
export type ChoiceName = keyof typeof CHOICES;

/** A value for every choice. Plain JSON. */
export type Choices = { [N in ChoiceName]: (typeof CHOICES)[N]['values'][number] };

const CHOICE_NAMES = Object.keys(CHOICES) as ChoiceName[];

/** Lanes of a subgroup up to which an adapter is taken for a processor's vector unit (SwiftShader 4, lavapipe 8). */
const FEW_LANES = 8;
/** Without adapter information: as most GPUs. */
const USUAL_LANES = 32;
const MIN_LANES = 4;

/** The values of a choice that a device can run. */
export function possibleValues(gpu: GPUDevice, name: ChoiceName): readonly Choices[ChoiceName][] {
  const { values }: Declaration<Choices[ChoiceName]> = CHOICES[name];
  return values.filter((value) => !lackFor(gpu, value));
}

/** What is taken where nothing was measured. */
export function defaultChoices(gpu: GPUDevice): Choices {
  return standardChoices(traitsOf(gpu));
}

/** What would be taken if the device were a GPU: to count dispatches, and to test its kernels, where there is none. */
export function gpuChoices(gpu: GPUDevice): Choices {
  return standardChoices({ ...traitsOf(gpu), lanes: USUAL_LANES, processor: false });
}

function standardChoices(traits: AdapterTraits): Choices {
  return Object.fromEntries(CHOICE_NAMES.map((name) => [name, CHOICES[name].standard(traits)])) as unknown as Choices;
}

/** Those of the given choices that exist and that a device can run, and what is wrong with the others. */
export function possibleChoices(gpu: GPUDevice, given: object): { choices: Partial<Choices>; faults: string[] } {
  const faults: string[] = [];
  const possible = Object.entries(given).filter(([name, value]) => {
    const fault = faultOf(gpu, name, value);
    if (fault) faults.push(fault);
    return !fault;
  });
  return { choices: Object.fromEntries(possible), faults };
}

/**
 * A value for every choice: what is not given has its default.
 * @throws InputError when a name is unknown or the device cannot run a value
 */
export function completeChoices(gpu: GPUDevice, given: Partial<Choices>): Choices {
  const { choices, faults } = possibleChoices(gpu, given);
  if (faults.length > 0) throw new InputError(`choices: ${faults.join('; ')}.`);
  return { ...defaultChoices(gpu), ...choices };
}

/** Neighbouring lanes that read for each other in kernels with subgroups: 8 where every subgroup has as many, else 4. */
export function sharingLanes({ adapterInfo }: GPUDevice): 4 | 8 {
  return (adapterInfo?.subgroupMinSize ?? 0) >= 8 ? 8 : MIN_LANES;
}

function faultOf(gpu: GPUDevice, name: string, value: unknown): string | null {
  if (!isChoice(name)) return `${name} is none, there are ${CHOICE_NAMES.join(', ')}`;
  const possible = possibleValues(gpu, name);
  if (possible.some((one) => one === value)) return null;
  const lack = CHOICES[name].values.some((one) => one === value) ? `; it has no ${lackFor(gpu, value)}` : '';
  return `${name} is ${brief(value)}, this device can run ${possible.join(', ')}${lack}`;
}

/** What a device has not that a value needs, whatever choice it is of; null where it has all. */
function lackFor(gpu: GPUDevice, value: unknown): string | null {
  const { subgroups, matrices } = traitsOf(gpu);
  if (value === 'subgroups' && !subgroups) return `subgroups of at least ${MIN_LANES} lanes`;
  if (value === 'matrices' && !matrices) return `${MATRIX_FEATURE} of f32 or f16 with results of f32`;
  return null;
}

function isChoice(name: string): name is ChoiceName {
  return Object.hasOwn(CHOICES, name);
}

function choice<const V extends ChoiceValue>(
  values: readonly V[],
  standard: (adapter: AdapterTraits) => NoInfer<V>,
): Declaration<V> {
  return { values, standard };
}

function traitsOf(gpu: GPUDevice): AdapterTraits {
  const { adapterInfo, features } = gpu;
  const lanes = adapterInfo?.subgroupMaxSize || USUAL_LANES;
  return {
    lanes,
    processor: lanes <= FEW_LANES,
    subgroups: features.has('subgroups') && (adapterInfo?.subgroupMinSize ?? 0) >= MIN_LANES,
    matrices: Object.values(matricesOf(gpu)).some((product) => product !== null),
  };
}
