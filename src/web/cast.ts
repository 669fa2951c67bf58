import { detectorConfig } from '../detector/config.js';
import { Detector } from '../detector/detector.js';
import type { DetectionNet } from '../detector/net.js';
import { priorOf } from '../detector/prior.js';
import { type Recipe, resolveRecipe } from '../losses/recipe.js';
import type { Device } from '../tensor/device.js';
import { setProvenance } from '../train/provenance.js';
import type { TrainSettings } from '../train/settings.js';
import { integer } from '../util/argument.js';
import { InputError } from '../util/error.js';
import { dropped, type Images, OWN_SIZE, type Size, shapes } from './data.js';
import { recipeOf, recipeOfModel, SETTINGS, settingsOfModel } from './lessons.js';
import {
  type Command,
  DISTILLATION,
  type Distillation,
  NETS,
  type NetName,
  type Ready,
  STEPS,
  STUDENTS,
  type StudentChoice,
  type TeacherChoice,
} from './protocol.js';
import { loadTeacher, SharedTeacher, TEACHER_FILE } from './teacher.js';

export type Start = Extract<Command, { kind: 'start' }>;
export type Nets = Partial<Record<NetName, DetectionNet>> & { without: DetectionNet };

/** The nets of a training, and how each learns. */
export interface Cast {
  images: Images;
  size: Size;
  nets: Nets;
  learning: readonly NetName[];
  steps: number;
  /** File of a dropped model, in place of detectors of this package. */
  student: string | null;
  settingsOf(name: NetName): TrainSettings;
  recipeOf(name: NetName, distillation: Distillation): Recipe;
}

/**
 * Opens data and nets as a visitor asks for them.
 * @param base address of the page
 * @throws InputError when dropped files or the teacher's are wrong, or do not go together
 */
export async function openCast(device: Device, start: Start, base: string): Promise<Cast> {
  const opened: DetectionNet[] = [];
  const keep = <T extends DetectionNet>(net: T): T => {
    opened.push(net);
    return net;
  };
  try {
    const { student } = start;
    const cast = await (student ? castOfModel(device, start, student, keep) : ownCast(device, start, base, keep));
    const { classes } = cast.images.train;
    for (const [name, net] of Object.entries(cast.nets) as [NetName, DetectionNet][]) {
      setProvenance(net, { recipe: cast.recipeOf(name, DISTILLATION), classes });
    }
    return cast;
  } catch (error) {
    for (const net of opened) net.dispose();
    throw error;
  }
}

/** What the page says of it. */
export function describe({ images, nets, learning, size, steps, student }: Cast): Omit<Ready, 'adapter' | 'notice'> {
  const { train, validation, sameImages } = images;
  return {
    classes: train.classes.map(({ name }) => name),
    images: train.length,
    validation: validation.length,
    sameImages,
    live: learning.includes('teacher'),
    parameters: Object.fromEntries(Object.entries(nets).map(([name, net]) => [name, net.parameters.count])),
    ...{ student, size, steps },
  };
}

type Keep = <T extends DetectionNet>(net: T) => T;

/** Detectors of this package. */
async function ownCast(device: Device, { files, teacher, seed }: Start, base: string, keep: Keep): Promise<Cast> {
  const images = files ? await dropped(files, OWN_SIZE) : shapes();
  // The shipped teacher knows shapes only.
  const isLive = teacher !== 'shipped' || files !== null;
  const common = { classes: images.train.classes.length, ...OWN_SIZE };
  const nets = {
    teacher: isLive
      ? keep(new SharedTeacher(device, detectorConfig({ ...common, size: 'small' }), { seed }))
      : keep(await loadTeacher(device, new URL(TEACHER_FILE, base).href)),
    with: keep(new Detector(device, detectorConfig({ ...common, size: 'tiny' }), { seed })),
    without: keep(new Detector(device, detectorConfig({ ...common, size: 'tiny' }), { seed })),
  };
  return {
    images,
    size: OWN_SIZE,
    nets,
    learning: isLive ? NETS : STUDENTS,
    steps: STEPS,
    student: null,
    settingsOf: () => SETTINGS,
    recipeOf: (name, distillation) => recipeOf(name, distillation, common),
  };
}

/** A dropped model as the students. */
async function castOfModel(
  device: Device,
  { files, teacher, seed }: Start,
  student: StudentChoice,
  keep: Keep,
): Promise<Cast> {
  if (!files)
    throw new InputError(`${student.model.file.name}: drop the images that it is to learn, with their annotations.`);
  for (const name of ['steps', 'side'] as const) integer(1)(name, student[name]);
  const settings = settingsOfModel(student);
  const { openModel, readGiven } = await import('./ownModel.js');
  const read = await readGiven(student, { width: student.side, height: student.side });
  const { width, height, mapping } = read;
  const { centreOffset, bins, strides } = mapping;
  const images = await dropped(files, { width, height });
  const classes = images.train.classes.map(({ name }) => name);
  const head = { head: student.head, centreOffset };
  const config = { classes: classes.length, bins, strides, width, height };
  const batch = Math.min(settings.student.batch, images.train.length);
  const prior = priorOf(resolveRecipe(student.head), config);
  const { newClasses } = student;
  const open = async () => keep(await openModel(device, read, { classes, batch, newClasses, seed, prior }));
  const nets: Nets =
    teacher === 'none'
      ? { without: await open() }
      : { teacher: await teacherOf(teacher), with: await open(), without: await open() };
  const teachersOffset = nets.teacher?.centreOffset ?? centreOffset;
  const isLive = teacher === 'live' || teacher === 'shipped';
  const students: NetName[] = teacher === 'none' ? ['without'] : ['with', 'without'];
  return {
    ...{ images, size: { width, height }, nets, steps: student.steps, student: read.name },
    learning: isLive ? ['teacher', ...students] : students,
    settingsOf: (name) => (name === 'teacher' ? settings.teacher : settings.student),
    recipeOf: (name, distillation) =>
      recipeOfModel(name, distillation, name === 'teacher' ? { ...head, centreOffset: teachersOffset } : head),
  };

  /** One that learns along has the model's head; a dropped one may have another. */
  async function teacherOf(choice: Exclude<TeacherChoice, 'none'>): Promise<DetectionNet> {
    if (choice === 'live' || choice === 'shipped') {
      return keep(new Detector(device, detectorConfig({ ...config, size: 'small' }), { seed, prior }));
    }
    const found = await readGiven(choice, { width, height });
    return keep(await openModel(device, { ...found, width, height }, { classes, batch }));
  }
}
