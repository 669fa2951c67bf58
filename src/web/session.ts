import { type Batch, Loader } from '../data/loader.js';
import { detectorConfig } from '../detector/config.js';
import { Detector } from '../detector/detector.js';
import { HeadLoss } from '../losses/headLoss.js';
import { resolveRecipe } from '../losses/recipe.js';
import type { Device } from '../tensor/device.js';
import { stepNeeds } from '../train/fits.js';
import { makeLearner } from '../train/learner.js';
import { learningRateAt } from '../train/schedule.js';
import { type StepTools, trainStep } from '../train/step.js';
import type { TeacherStep } from '../train/teacher.js';
import { meanTerms, TermHistory } from '../train/terms.js';
import { dropped, type Images, SIDE, shapes } from './data.js';
import { figuresOf } from './figures.js';
import { recipeOf, SETTINGS } from './lessons.js';
import { lookAt } from './look.js';
import {
  type Command,
  type Distillation,
  NETS,
  type NetName,
  type Report,
  STEPS,
  STUDENTS,
  type StepTerms,
  type StudentName,
} from './protocol.js';
import { loadTeacher, SharedTeacher, TEACHER_FILE } from './teacher.js';

/** Steps that may wait to be read, and milliseconds after which they are. */
const MAX_UNREAD = 16;
const READ_EVERY = 60;
/** Milliseconds between two looks at the image; a change of image does not wait. */
const LOOK_EVERY = 400;
/** Before the first figures, and how many times their duration has to pass until the next. */
const FIRST_FIGURES = { milliseconds: 3000, step: 16 };
const FIGURES_REST = 8;

type Nets = Record<StudentName, Detector> & { teacher: SharedTeacher };
type Start = Extract<Command, { kind: 'start' }>;

/** A training of two students, and of their teacher where it learns along, that reports what there is to see. */
export class Session {
  readonly #device: Device;
  readonly #report: (report: Report) => void;
  readonly #images: Images;
  readonly #nets: Nets;
  readonly #tools = new Map<NetName, StepTools>();
  readonly #live: boolean;
  readonly #start: Start;
  #distillation: Distillation;
  #image = 0;
  #lookDue = true;
  #step = 0;
  #stopped = false;
  #paused = false;
  #wake: (() => void) | null = null;

  /** @throws InputError when dropped files or the teacher's are wrong */
  static async open(device: Device, start: Start, base: string, report: (report: Report) => void): Promise<Session> {
    const images = start.files ? await dropped(start.files) : shapes();
    // The shipped teacher knows shapes only.
    const live = start.teacher === 'live' || start.files !== null;
    const common = { classes: images.train.classes.length, width: SIDE, height: SIDE };
    const teacher = live
      ? new SharedTeacher(device, detectorConfig({ ...common, size: 'small' }), { seed: start.seed })
      : await loadTeacher(device, new URL(TEACHER_FILE, base).href);
    const student = () => new Detector(device, detectorConfig({ ...common, size: 'tiny' }), { seed: start.seed });
    return new Session(device, start, images, { teacher, with: student(), without: student() }, live, report);
  }

  private constructor(
    device: Device,
    start: Start,
    images: Images,
    nets: Nets,
    live: boolean,
    report: (report: Report) => void,
  ) {
    this.#device = device;
    this.#start = start;
    this.#images = images;
    this.#nets = nets;
    this.#live = live;
    this.#report = report;
    this.#distillation = start.distillation;
    for (const name of live ? NETS : STUDENTS) {
      const headLoss = this.#headLoss(name);
      const learner = makeLearner(nets[name], nets.teacher, headLoss.recipe, SETTINGS);
      this.#tools.set(name, { ...learner, headLoss, history: new TermHistory(headLoss, MAX_UNREAD) });
    }
  }

  /** Trains until the last step, or until `stop`. @throws DeviceError when the GPU fails or a loss is not finite */
  async run(): Promise<void> {
    try {
      if (this.#stopped) return;
      this.#reportReady();
      await this.#compile();
      if (this.#stopped) return;
      await this.#look();
      await this.#train();
    } finally {
      for (const { history, dispose } of this.#tools.values()) {
        history.dispose();
        dispose();
      }
      for (const net of Object.values(this.#nets)) net.dispose();
    }
  }

  /** The kernels of a step, so that the page does not wait for the first look and step in silence. */
  async #compile(): Promise<void> {
    const kernels = [...this.#tools].flatMap(
      ([
        name,
        {
          headLoss: { recipe },
          teacher,
        },
      ]) => {
        return stepNeeds(this.#device, { net: this.#nets[name], recipe, settings: SETTINGS, teacher })(this.#batch)
          .kernels;
      },
    );
    await this.#device.compile(kernels, (done, of) => this.#report({ kind: 'compilation', done, of }));
  }

  /** Ends the run after what is under way. */
  stop(): void {
    this.#stopped = true;
    this.#wake?.();
  }

  pause(paused: boolean): void {
    this.#paused = paused;
    this.#wake?.();
  }

  look(image: number): void {
    this.#image = image;
    this.#lookDue = true;
    this.#wake?.();
  }

  /** From the next step on, the student with LD learns so. */
  distil(distillation: Distillation): void {
    this.#distillation = distillation;
    const tools = this.#tools.get('with');
    if (tools) tools.headLoss = this.#headLoss('with');
    this.#lookDue = true;
    this.#wake?.();
  }

  #headLoss(name: NetName): HeadLoss {
    const { config } = this.#nets[name];
    const imageSize = { width: config.width, height: config.height };
    const recipe = recipeOf(name, this.#distillation, config);
    return new HeadLoss(this.#device, { ...config, imageSize, batch: this.#batch, recipe });
  }

  get #batch(): number {
    return Math.min(SETTINGS.batch, this.#images.train.length);
  }

  async #train(): Promise<void> {
    const loader = new Loader(this.#images.train, {
      batch: this.#batch,
      width: SIDE,
      height: SIDE,
      seed: this.#start.seed,
      augment: this.#start.files !== null, // the generated images need it not
      shuffle: true,
      dropLast: true,
    });
    let lastRead = performance.now();
    let lastLook = lastRead;
    let nextFigures = lastRead + FIRST_FIGURES.milliseconds;
    let unread = 0;
    for (let epoch = 0; !this.#stopped && this.#step < STEPS; epoch++) {
      for await (const batch of loader.batches(epoch)) {
        await this.#rest();
        if (this.#stopped || this.#step === STEPS) break;
        await this.#trainStep(batch);
        unread++;
        if (unread < MAX_UNREAD && performance.now() - lastRead < READ_EVERY) continue;

        const terms = await this.#readTerms();
        const now = performance.now();
        this.#report({ kind: 'steps', step: this.#step, milliseconds: (now - lastRead) / unread, terms });
        unread = 0;
        if (this.#lookDue || now - lastLook > LOOK_EVERY) {
          await this.#look();
          lastLook = performance.now();
        }
        if (now > nextFigures && this.#step >= FIRST_FIGURES.step) {
          await this.#figures();
          nextFigures = performance.now() + FIGURES_REST * (performance.now() - now);
        }
        lastRead = performance.now();
      }
    }
    if (this.#stopped) return;
    await this.#figures();
    this.#report({ kind: 'finished', step: this.#step });
    while (!this.#stopped) {
      if (this.#lookDue) await this.#look();
      await this.#sleep();
    }
  }

  async #trainStep(batch: Batch): Promise<void> {
    const rate = learningRateAt(SETTINGS, this.#step, STEPS);
    const lessons = await Promise.all(STUDENTS.map((name) => this.#tools.get(name)?.teacher?.prepare(batch)));
    const learn = (name: NetName, teacherStep?: TeacherStep) => {
      const tools = this.#tools.get(name);
      if (tools) trainStep(tools, batch, rate, teacherStep);
    };
    learn('teacher');
    this.#nets.teacher.share(() => {
      for (const [i, name] of STUDENTS.entries()) learn(name, lessons[i]);
    });
    this.#step++;
  }

  /** While paused, waits; the image can still be changed. */
  async #rest(): Promise<void> {
    while (this.#paused && !this.#stopped) {
      if (this.#lookDue) await this.#look();
      await this.#sleep();
    }
  }

  async #sleep(): Promise<void> {
    await new Promise<void>((resolve) => {
      this.#wake = resolve;
    });
    this.#wake = null;
  }

  async #readTerms(): Promise<StepTerms[]> {
    const entries = [...this.#tools].map(
      async ([name, { history }]) => [name, await history.take(this.#step)] as const,
    );
    const rows = await Promise.all(entries);
    return rows[0][1].map((_, i) => Object.fromEntries(rows.map(([name, terms]) => [name, meanTerms(terms[i], 1)])));
  }

  async #look(): Promise<void> {
    this.#lookDue = false;
    const recipe = resolveRecipe(recipeOf('with', this.#distillation, this.#nets.with.config));
    const what = { source: this.#images.validation, image: this.#image, recipe };
    const seen = await lookAt(this.#device, what, this.#nets, (name, work) => this.#onAverage(name, work));
    if (!this.#stopped) this.#report({ kind: 'look', step: this.#step, ...seen });
  }

  async #figures(): Promise<void> {
    for (const name of NETS) {
      if (this.#stopped) return;
      const teacher = name === 'teacher' ? null : this.#nets.teacher;
      const options = { source: this.#images.validation, batch: this.#batch, teacher };
      const found = await this.#onAverage(name, () => figuresOf(this.#nets[name], options));
      if (found) this.#report({ kind: 'figures', step: this.#step, figures: { [name]: found } });
    }
  }

  /** A net that learns is shown and measured by the moving average of its parameters. */
  #onAverage<T>(name: NetName, work: () => Promise<T>): Promise<T> {
    const tools = this.#tools.get(name);
    return tools ? tools.optimizer.usingAverage(work) : work();
  }

  #reportReady(): void {
    const { train, validation, sameImages } = this.#images;
    const parameters = Object.fromEntries(NETS.map((name) => [name, this.#nets[name].parameters.count]));
    this.#report({
      kind: 'ready',
      adapter: this.#device.adapter.name,
      classes: train.classes.map(({ name }) => name),
      images: train.length,
      validation: validation.length,
      sameImages,
      live: this.#live,
      parameters: parameters as Record<NetName, number>,
    });
  }
}
