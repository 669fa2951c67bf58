import { createHash } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { assertSameClasses } from '../data/classes.js';
import type { CocoFolder } from '../data/folder.js';
import type { Category, GroundTruth } from '../data/groundTruth.js';
import type { ImageSource } from '../data/source.js';
import { architectureOf, type DetectorConfig, type DetectorSize, detectorConfig } from '../detector/config.js';
import { recipeForClasses } from '../losses/oneClass.js';
import { needsTeacher, type PartialRecipe, type Recipe } from '../losses/recipe.js';
import { CHECKPOINT, detectorOf, loadCheckpoint } from '../train/checkpoint.js';
import { assertComparable } from '../train/comparable.js';
import { type TrainSettings, trainSettings } from '../train/settings.js';
import { InputError } from '../util/error.js';
import { pathName } from '../util/pathName.js';
import { TRAINED_TEACHER_DEFAULTS } from './plan.generated.js';
import type { Plan } from './plan.js';
import type { PlanRecord } from './types.js';

/** What a study trains and evaluates on. */
export interface StudyData {
  name: string;
  /** Absolute path of the folder, or `shapes`. */
  path: string;
  train: ImageSource;
  validation: ImageSource;
  /** Images that all others fit into, in pixels. */
  width: number;
  height: number;
}

/** A detector that is there already. */
export interface GivenTeacher {
  kind: 'given';
  name: string;
  /** Of its checkpoint's bytes. */
  hash: string;
  folder: string;
  detector: DetectorConfig;
  recipe: Recipe;
  classes: readonly Category[];
}

/** A training, and its measures. */
export interface Job {
  kind: 'run';
  /** Of everything that decides its bits and measures. */
  hash: string;
  /** Of its folder: for people, and unique. */
  name: string;
  detector: DetectorConfig;
  recipe: Recipe;
  settings: TrainSettings;
  /** The teacher: it learns from it if the recipe distils, and is compared with it. */
  teacher: Job | GivenTeacher | null;
}

/** A row's runs, one a seed in the order of the plan's. */
interface MethodRuns {
  method: string;
  size: DetectorSize;
  /** As the plan calls it. */
  teacher: string | null;
  jobs: Job[];
}

export interface Grid {
  /** Each once: the teachers, then all methods of the first seed, of the second … */
  jobs: Job[];
  methods: MethodRuns[];
  /** What a person should know of the recipes; one line each. */
  notices: string[];
}

/**
 * The runs of a plan. Two plans' runs that differ in nothing have the same hash.
 * @param identity of the data, see `identify`
 * @throws InputError where a detector is not possible, a teacher that is given is missing, or one does not fit its student
 */
export async function planJobs(plan: Plan, data: StudyData, identity: string): Promise<Grid> {
  assertSameClasses(
    { owner: 'the training set', classes: data.train.classes },
    { owner: 'the validation set', classes: data.validation.classes },
    'Give the annotations of both the same categories with the same ids.',
  );
  const detectorOf = (size: DetectorSize): DetectorConfig => {
    const { strides = [8, 16, 32] } = plan.student;
    const largest = Math.max(...strides);
    const whole = (pixels: number) => Math.ceil(pixels / largest) * largest;
    const [width, height] = [whole(data.width), whole(data.height)];
    return detectorConfig({ width, height, ...plan.student, size, classes: data.train.classes.length });
  };
  const teachers = new Map<string, Job | GivenTeacher>();
  for (const [name, teacher] of Object.entries(plan.teachers)) {
    if ('run' in teacher) {
      teachers.set(name, await givenTeacher(name, teacher.run));
    } else {
      const { size, recipe, seed } = { ...TRAINED_TEACHER_DEFAULTS, ...teacher };
      const settings = { ...plan.settings, ...teacher.settings, seed };
      teachers.set(name, makeJob(`teacher-${name}`, { detector: detectorOf(size), recipe, settings, identity }));
    }
  }
  const methods = plan.methods.map(({ name, recipe, size = plan.student.size, teacher = plan.teacher, settings }) => {
    const teacherJob = teacher === undefined ? null : (teachers.get(teacher) ?? null);
    const detector = detectorOf(size);
    const jobs = plan.seeds.map((seed) => {
      const own = { ...plan.settings, ...settings, seed };
      return makeJob(`${size}-${name}`, { detector, recipe, settings: own, identity, teacher: teacherJob });
    });
    checkTeacher(name, jobs[0], data.train.classes);
    return { method: name, size, teacher: teacher ?? null, jobs };
  });
  const wanted = methods.flatMap(({ jobs }) =>
    jobs.flatMap(({ teacher }) => (teacher?.kind === 'run' ? [teacher] : [])),
  );
  const ordered = [...wanted, ...plan.seeds.flatMap((_, i) => methods.map(({ jobs }) => jobs[i]))];
  const recipes = [...Object.values(plan.teachers).flatMap((one) => ('run' in one ? [] : [one])), ...plan.methods];
  const notices = recipes.flatMap(
    (given) =>
      recipeForClasses({ ...TRAINED_TEACHER_DEFAULTS, ...given }.recipe, data.train.classes.length).notice ?? [],
  );
  const jobs = [...new Map(ordered.map((job) => [job.hash, job])).values()];
  return { jobs, methods, notices: [...new Set(notices)] };
}

interface JobParts {
  detector: DetectorConfig;
  recipe: string | PartialRecipe;
  settings: Partial<TrainSettings>;
  identity: string;
  teacher?: Job | GivenTeacher | null;
}

function makeJob(label: string, { detector, recipe, settings, identity, teacher = null }: JobParts): Job {
  const { recipe: own } = recipeForClasses(recipe, detector.classes);
  const whole = { detector, recipe: own, settings: trainSettings(settings) };
  // A recipe's name decides nothing, nor does whether gradients are recomputed. Without precision f32 has the hash that it had before there
  // was f16: studies under way go on.
  const { precision, recompute, ...others } = whole.settings;
  const decisive = {
    ...whole,
    settings: precision === 'f32' ? others : { ...others, precision },
    recipe: { ...whole.recipe, name: '' },
    identity,
    teacher: teacher?.hash ?? null,
  };
  const hash = digest(canonical(decisive));
  return { kind: 'run', hash, name: `${pathName(label)}-s${whole.settings.seed}-${hash}`, ...whole, teacher };
}

async function givenTeacher(name: string, folder: string): Promise<GivenTeacher> {
  const checkpoint = await loadCheckpoint(folder);
  const hash = digest(await readFile(checkpoint.file));
  const detector = detectorOf(checkpoint);
  const { recipe, classes } = checkpoint.metadata;
  return { kind: 'given', name, hash, folder: resolve(folder), detector, recipe, classes };
}

/** Distillation compares location with location, bin with bin and class with class. */
function checkTeacher(method: string, { detector, recipe, teacher }: Job, classes: readonly Category[]): void {
  if (!teacher) {
    if (!needsTeacher(recipe)) return;
    throw new InputError(
      `methods, ${method}: its recipe distils but it has no teacher; add teacher to it or to the plan.`,
    );
  }
  const owner = `the teacher of method ${method}`;
  const { features } = architectureOf(teacher.detector);
  assertComparable(
    { owner: `the student of method ${method}`, config: detector, recipe, classes },
    {
      owner,
      config: teacher.detector,
      recipe: teacher.recipe,
      classes: teacher.kind === 'given' ? teacher.classes : classes,
      featureChannels: features,
    },
  );
}

/** What tells two data sets apart: the annotations of a folder, or some of the generated images. */
export async function identify({ train, validation }: Pick<StudyData, 'train' | 'validation'>): Promise<string> {
  // Text by text: one of all annotations may be longer than a string can be.
  const hash = createHash('sha256').update('[');
  for (const [i, source] of [train, validation].entries()) {
    if (i > 0) hash.update(',');
    if ('dataset' in source) {
      for (const text of canonicalTruth((source as CocoFolder).dataset.truth)) hash.update(text);
    } else {
      const { pixels, ...rest } = await source.load(source.length - 1);
      const parts = [source.length, source.classes, digest(pixels), Array.from(rest.boxes)];
      hash.update(parts.map(canonical).join(','));
    }
  }
  return shortened(hash.update(']').digest('hex'));
}

/** `canonical` of annotations, in pieces. */
function* canonicalTruth({ annotations, categories, images }: GroundTruth): Generator<string, void, void> {
  for (const [key, list] of Object.entries({ annotations, categories, images })) {
    yield `${key === 'annotations' ? '{' : ','}${JSON.stringify(key)}:[`;
    let separator = '';
    for (const entry of list) {
      yield separator + canonical(entry);
      separator = ',';
    }
    yield ']';
  }
  yield '}';
}

/** The file of a run whose presence says that it has been trained to its end or can go on. */
export function checkpointOf(folder: string): string {
  return join(folder, CHECKPOINT);
}

/** JSON with the fields of every object in alphabetical order. */
function canonical(value: unknown): string {
  return JSON.stringify(value, (_, inner: unknown) =>
    typeof inner === 'object' && inner !== null && !Array.isArray(inner)
      ? Object.fromEntries(Object.entries(inner).sort(([a], [b]) => (a < b ? -1 : 1)))
      : inner,
  );
}

function digest(content: string | Uint8Array): string {
  return shortened(createHash('sha256').update(content).digest('hex'));
}

/** The first 40 bits of SHA-256: enough for the runs of one folder. */
function shortened(hash: string): string {
  return hash.slice(0, 10);
}

/** What the study's folder keeps of a plan. */
export function recordOf(plan: Plan, { methods }: Grid): PlanRecord {
  return {
    plan,
    methods: methods.map(({ method, size, teacher, jobs }) => ({
      method,
      size,
      teacher,
      hashes: jobs.map(({ hash }) => hash),
    })),
  };
}
