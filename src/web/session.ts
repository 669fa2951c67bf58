import { type Batch, Loader } from '../data/loader.js';
import { HeadLoss } from '../losses/headLoss.js';
import type { Recipe } from '../losses/recipe.js';
import type { Device } from '../tensor/device.js';
import { teacherHeadOf } from '../train/comparable.js';
import { stepNeeds } from '../train/fits.js';
import { type Learner, makeLearner } from '../train/learner.js';
import { learningRateAt } from '../train/schedule.js';
import { type StepTools, trainStep } from '../train/step.js';
import type { TeacherStep } from '../train/teacher.js';
import { meanTerms, TermHistory } from '../train/terms.js';
import { type Cast, describe, openCast, type Start } from './cast.js';
import { figuresOf } from './figures.js';
import { lookAt } from './look.js';
import {
  type Distillation,
  NETS,
  type NetName,
  type Report,
  STUDENTS,
  type StepTerms,
  type StudentName,
} from './protocol.js';
import { SharedTeacher } from './teacher.js';

/** Steps that may wait to be read, and milliseconds after which they are. */
const MAX_UNREAD = 16;
const READ_EVERY = 60;
/** Milliseconds between two looks at the image, and how many times their duration at least; a change of image does not wait. */
const LOOK_EVERY = 400;
const LOOK_REST = 4;
/** Before the first figures, and how many times their duration has to pass until the next. */
const FIRST_FIGURES = { milliseconds: 3000, step: 16 };
const FIGURES_REST = 8;

/** A training of two students, or of one, and of their teacher where it learns along, that reports what there is to see. */
export class Session {
  readonly #device: Device;
  readonly #report: (report: Report) => void;
  readonly #cast: Cast;
  readonly #tools = new Map<NetName, StepTools>();
  readonly #start: Start;
  #distillation: Distillation;
  #image = 0;
  #lookDue = true;
  #saveDue: StudentName | null = null;
  #step = 0;
  #stopped = false;
  #paused = false;
  #wake: (() => void) | null = null;

  /** @throws InputError when dropped files or the teacher's are wrong, or do not go together */
  static async open(device: Device, start: Start, base: string, report: (report: Report) => void): Promise<Session> {
    return new Session(device, start, await openCast(device, start, base), report);
  }

  private constructor(device: Device, start: Start, cast: Cast, report: (report: Report) => void) {
    this.#device = device;
    this.#start = start;
    this.#cast = cast;
    this.#report = report;
    this.#distillation = start.distillation;
    try {
      for (const name of cast.learning) this.#tools.set(name, this.#toolsOf(name));
    } catch (error) {
      this.#dispose();
      throw error;
    }
  }

  /** Trains until the last step, or until `stop`. @throws DeviceError when the GPU fails or a loss is not finite */
  async run(): Promise<void> {
    try {
      if (this.#stopped) return;
      const notice = this.#tools.get('with')?.notice ?? null;
      this.#report({ kind: 'ready', adapter: this.#device.adapter.name, notice, ...describe(this.#cast) });
      await this.#compile();
      if (this.#stopped) return;
      await this.#look();
      await this.#train();
    } finally {
      this.#dispose();
    }
  }

  #dispose(): void {
    for (const { history, dispose } of this.#tools.values()) {
      history.dispose();
      dispose();
    }
    for (const net of Object.values(this.#cast.nets)) net.dispose();
  }

  /** The kernels of a step, so that the page does not wait for the first look and step in silence. */
  async #compile(): Promise<void> {
    const kernels = [...this.#tools].flatMap(
      ([
        name,
        {
          net,
          headLoss: { recipe },
          teacher,
        },
      ]) => {
        const settings = this.#cast.settingsOf(name);
        return stepNeeds(this.#device, { net, recipe, settings, teacher })(this.#batch).kernels;
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
    if (tools) tools.headLoss = this.#headLoss('with', tools);
    this.#lookDue = true;
    this.#wake?.();
  }

  /** Reports the file of a dropped model with what it has learned, after the step under way. */
  save(name: StudentName): void {
    this.#saveDue = name;
    this.#wake?.();
  }

  #toolsOf(name: NetName): StepTools {
    const { nets, settingsOf } = this.#cast;
    const recipe = this.#recipeOf(name);
    const learner = makeLearner(nets[name] ?? nets.without, nets.teacher, recipe, settingsOf(name));
    const headLoss = this.#headLoss(name, learner);
    return { ...learner, headLoss, history: new TermHistory(headLoss, MAX_UNREAD) };
  }

  #headLoss(name: NetName, { net: { config }, teacher }: Learner): HeadLoss {
    const imageSize = { width: config.width, height: config.height };
    const taught = teacher && { teacher: teacherHeadOf(teacher) };
    return new HeadLoss(this.#device, {
      ...{ ...config, imageSize, batch: this.#batch, recipe: this.#recipeOf(name) },
      ...taught,
    });
  }

  #recipeOf(name: NetName): Recipe {
    return this.#cast.recipeOf(name, this.#distillation);
  }

  get #batch(): number {
    return Math.min(this.#cast.settingsOf('without').batch, this.#cast.images.train.length);
  }

  async #train(): Promise<void> {
    const { images, size, steps } = this.#cast;
    const loader = new Loader(images.train, {
      batch: this.#batch,
      ...size,
      seed: this.#start.seed,
      augment: this.#start.files !== null, // the generated images need it not
      shuffle: true,
      dropLast: true,
    });
    let lastRead = performance.now();
    let nextLook = lastRead + LOOK_EVERY;
    let nextFigures = lastRead + FIRST_FIGURES.milliseconds;
    let unread = 0;
    for (let epoch = 0; !this.#stopped && this.#step < steps; epoch++) {
      for await (const batch of loader.batches(epoch)) {
        await this.#rest();
        if (this.#stopped || this.#step === steps) break;
        await this.#trainStep(batch);
        unread++;
        if (unread < MAX_UNREAD && performance.now() - lastRead < READ_EVERY) continue;

        const terms = await this.#readTerms();
        const now = performance.now();
        this.#report({ kind: 'steps', step: this.#step, milliseconds: (now - lastRead) / unread, terms });
        unread = 0;
        await this.#serve();
        const before = performance.now();
        if (before > nextLook) {
          await this.#look();
          const after = performance.now();
          nextLook = after + Math.max(LOOK_EVERY, LOOK_REST * (after - before));
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
      await this.#serve();
      await this.#sleep();
    }
  }

  async #trainStep(batch: Batch): Promise<void> {
    const { settingsOf, steps, nets } = this.#cast;
    const lessons = await Promise.all(STUDENTS.map((name) => this.#tools.get(name)?.teacher?.prepare(batch)));
    const learn = (name: NetName, teacherStep?: TeacherStep) => {
      const tools = this.#tools.get(name);
      if (tools) trainStep(tools, batch, learningRateAt(settingsOf(name), this.#step, steps), teacherStep);
    };
    learn('teacher');
    const learnAll = () => {
      for (const [i, name] of STUDENTS.entries()) learn(name, lessons[i]);
    };
    if (nets.teacher instanceof SharedTeacher) nets.teacher.share(learnAll);
    else learnAll();
    this.#step++;
  }

  /** While paused, waits; what is asked for is done. */
  async #rest(): Promise<void> {
    while (this.#paused && !this.#stopped) {
      await this.#serve();
      await this.#sleep();
    }
  }

  /** What the page has asked for. */
  async #serve(): Promise<void> {
    if (this.#lookDue) await this.#look();
    if (this.#saveDue) await this.#save(this.#saveDue);
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
    const what = {
      source: this.#cast.images.validation,
      image: this.#image,
      recipeOf: (name: NetName) => this.#recipeOf(name),
    };
    const seen = await lookAt(this.#device, what, this.#cast.nets, (name, work) => this.#onAverage(name, work));
    if (!this.#stopped) this.#report({ kind: 'look', step: this.#step, ...seen });
  }

  async #save(name: StudentName): Promise<void> {
    this.#saveDue = null;
    const net = this.#cast.nets[name] ?? this.#cast.nets.without;
    const step = this.#step;
    const metadata = { recipe: JSON.stringify(this.#recipeOf(name)), steps: String(step) };
    const { saveModel } = await import('./ownModel.js');
    const { model, mapping } = await this.#onAverage(name, () => saveModel(net, metadata));
    this.#report({ kind: 'saved', name, step, model: new Uint8Array(model), mapping });
  }

  async #figures(): Promise<void> {
    const { nets, images } = this.#cast;
    for (const name of NETS) {
      if (this.#stopped) return;
      const net = nets[name];
      if (!net) continue;
      const teacher = name === 'teacher' ? null : (nets.teacher ?? null);
      const options = { source: images.validation, batch: this.#batch, teacher };
      const found = await this.#onAverage(name, () => figuresOf(net, options));
      if (found) this.#report({ kind: 'figures', step: this.#step, figures: { [name]: found } });
    }
  }

  /** A net that learns is shown and measured by the moving average of its parameters. */
  #onAverage<T>(name: NetName, work: () => Promise<T>): Promise<T> {
    const tools = this.#tools.get(name);
    return tools ? tools.optimizer.usingAverage(work) : work();
  }
}
