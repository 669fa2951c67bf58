/** The page: shows what the training reports, and tells it what the visitor wants. */
import { decimals, percent } from '../../util/figures.js';
import {
  type Command,
  DISTILLATION,
  type Distillation,
  type DroppedFile,
  type Figures,
  NETS,
  type NetName,
  type Ready,
  type Report,
} from '../protocol.js';
import { Charts } from './charts.js';
import { chosenFiles, droppedFiles } from './dropped.js';
import { element } from './elements.js';
import { STARTING, showFacts } from './facts.js';
import { connect } from './link.js';
import { OwnModels, type Role } from './own.js';
import { makeReading } from './reading.js';
import { sortFiles } from './sort.js';
import { Stage, type StageChoice } from './stage.js';

const SEED = 1;
const pauseButton = element('#pause', HTMLButtonElement);
const canvas = element('#canvas', HTMLCanvasElement);
const fault = element('#fault', HTMLElement);
const levels = element('#regions select', HTMLSelectElement);
const shapesButton = element('#shapes', HTMLButtonElement);
const progress = element('#progress', HTMLProgressElement);

let send: (command: Command) => void = () => {};
let classes: readonly string[] = [];
let files: DroppedFile[] | null = null;
let distillation: Distillation = { ...DISTILLATION };
let image = 0;
let images = 1;
let isPaused = false;
let milliseconds = 0;
let ready: Ready | null = null;

const showReading = makeReading();
const stage = new Stage(canvas, choice(), (reading) => showReading(reading, classes));
const charts = new Charts((name) => element(`#${name}`, HTMLElement));
const own = new OwnModels({
  restart: startIfWhole,
  distil: (changed) => {
    distillation = { ...distillation, ...changed };
    showSliders();
  },
  save: (name) => send({ kind: 'save', name }),
});

function receive(report: Report): void {
  if (report.kind === 'ready') {
    ready = report;
    classes = report.classes;
    clear(); // what the training before said last
    const seen = report.sameImages ? 'the images it learns from' : 'images none has seen';
    element('#seen b', HTMLElement).textContent = `AP on ${seen}`;
    element('#seen span', HTMLElement).hidden = report.live || report.student !== null; // known of the shipped teacher only
    own.canSave(report.student !== null);
    levels.length = 1;
    levels.value = '';
    showFacts(ready, 0, 0);
  } else if (report.kind === 'compilation') {
    const { done, of } = report;
    element('#pace', HTMLElement).textContent = done < of ? `compiling kernels (${done} of ${of})` : STARTING;
  } else if (report.kind === 'steps') {
    milliseconds = milliseconds ? 0.8 * milliseconds + 0.2 * report.milliseconds : report.milliseconds;
    charts.addSteps(report.step, report.terms);
    progress.value = report.step / (ready?.steps ?? 1);
    document.body.dataset.step = String(report.step);
    if (ready) showFacts(ready, report.step, milliseconds);
  } else if (report.kind === 'look') {
    image = report.image;
    images = report.of;
    element('#position', HTMLElement).textContent = `image ${image + 1} of ${images}`;
    if (levels.options.length === 1) {
      for (const [level, stride] of report.grid.strides.entries()) {
        levels.add(new Option(`stride ${stride}`, String(level)));
      }
    }
    stage.show(report);
  } else if (report.kind === 'figures') {
    charts.addFigures(report.step, report.figures);
    for (const [name, figures] of Object.entries(report.figures)) showTile(name as NetName, figures);
  } else if (report.kind === 'finished') {
    pauseButton.textContent = 'Finished';
    pauseButton.disabled = true;
    announce('The training has finished.');
  } else if (report.kind === 'saved') own.download(report);
  else showFault(report.message, report.device);
}

function clear(): void {
  charts.clear();
  milliseconds = 0;
  progress.removeAttribute('value'); // the first step compiles its kernels, which takes a while without a graphics card
  document.body.dataset.step = '0';
  for (const name of NETS) showTile(name, null);
}

/** Unless a part of the visitor's is still missing. */
function startIfWhole(): void {
  own.show(files !== null);
  if (own.missing(files !== null) === null) start();
}

function start(): void {
  fault.hidden = true;
  image = 0;
  clear();
  setPaused(false);
  pauseButton.disabled = false;
  shapesButton.hidden = files === null;
  own.show(files !== null);
  send({ kind: 'start', files, student: own.student, teacher: own.teacher, seed: SEED, distillation });
}

function setPaused(paused: boolean): void {
  isPaused = paused;
  pauseButton.textContent = paused ? 'Go on' : 'Pause';
}

function choice(): StageChoice {
  const isChecked = (name: string) => element(`input[name=${name}]`, HTMLInputElement).checked;
  return {
    nets: new Set(NETS.filter(isChecked)),
    main: isChecked('main'),
    valuable: isChecked('valuable'),
    level: levels.value === '' ? null : Number(levels.value),
  };
}

function showTile(name: NetName, figures: Figures | null): void {
  const tile = element(`.tile[data-net=${name}]`, HTMLElement);
  const [big, small] = tile.querySelectorAll('p');
  big.textContent = percent(figures?.AP);
  if (!figures) small.textContent = 'AP: measured soon';
  else if (figures.error === null) small.textContent = `AP · ${percent(figures.AP50)} AP50`;
  else small.textContent = `AP · ${percent(figures.AP50)} AP50 · ${decimals(figures.error, 2)} strides off the teacher`;
}

function showFault(message: string, device: boolean): void {
  fault.hidden = false;
  element('#fault h2', HTMLElement).textContent = device ? 'No WebGPU here' : 'That did not work';
  element('#fault .message', HTMLElement).textContent = message;
  element('#fault .remedies', HTMLElement).hidden = !device;
  if (device) element('main', HTMLElement).hidden = true;
}

function announce(text: string): void {
  element('#announce', HTMLElement).textContent = text;
}

function lookAt(next: number): void {
  image = (next + images) % images;
  send({ kind: 'look', image });
}

pauseButton.addEventListener('click', () => {
  setPaused(!isPaused);
  send({ kind: 'pause', paused: isPaused });
});
// A page that nobody looks at costs nobody's battery.
document.addEventListener('visibilitychange', () => send({ kind: 'pause', paused: isPaused || document.hidden }));
element('#restart', HTMLButtonElement).addEventListener('click', start);
element('#fault .again', HTMLButtonElement).addEventListener('click', () => {
  if (element('main', HTMLElement).hidden) location.reload();
  else startIfWhole();
});
element('#next', HTMLButtonElement).addEventListener('click', () => lookAt(image + 1));
element('#previous', HTMLButtonElement).addEventListener('click', () => lookAt(image - 1));
canvas.addEventListener('keydown', ({ key }) => {
  if (key === 'ArrowRight') stage.step(1);
  if (key === 'ArrowLeft') stage.step(-1);
});
for (const fieldset of ['#nets', '#regions']) {
  element(fieldset, HTMLFieldSetElement).addEventListener('change', () => stage.choose(choice()));
}
for (const radio of document.querySelectorAll('input[name=source]')) radio.addEventListener('change', startIfWhole);

const SLIDERS = ['weight', 'temperature', 'gamma'] as const;
const sliderOf = (name: keyof Distillation) => element(`#${name}`, HTMLInputElement);
function showSliders(): void {
  for (const name of SLIDERS) {
    sliderOf(name).value = String(distillation[name]);
    const output = element(`label:has(#${name}) output`, HTMLOutputElement);
    output.textContent = distillation[name].toFixed(name === 'temperature' ? 1 : 2);
  }
}
for (const name of SLIDERS) {
  sliderOf(name).addEventListener('input', () => {
    distillation = { ...distillation, [name]: sliderOf(name).valueAsNumber };
    showSliders();
    send({ kind: 'distil', distillation });
  });
}
showSliders();

async function take(list: DroppedFile[], role: Role): Promise<void> {
  if (list.length === 0) return;
  const { given, data } = await sortFiles(list);
  own.take(role, given);
  if (data.length > 0) files = data;
  startIfWhole();
}
function takeOrTell(list: Promise<DroppedFile[]>, role: Role): void {
  list.then((found) => take(found, role)).catch((error: Error) => showFault(error.message, false));
}
for (const [id, role] of [
  ['files', 'student'],
  ['modelFiles', 'student'],
  ['teacherFiles', 'teacher'],
] as const) {
  const chooser = element(`#${id}`, HTMLInputElement);
  chooser.addEventListener('change', () => {
    takeOrTell(Promise.resolve(chosenFiles(chooser.files ?? [])), role);
    chooser.value = '';
  });
}
shapesButton.addEventListener('click', () => {
  files = null;
  own.clear();
  own.show(false);
  element('input[name=source][value=shipped]', HTMLInputElement).checked = true;
  start();
});
element('#ownDetector', HTMLButtonElement).addEventListener('click', () => {
  own.clear();
  start();
});
addEventListener('dragover', (event) => {
  event.preventDefault();
  document.body.classList.add('dragging');
});
addEventListener('dragleave', (event) => {
  if (!event.relatedTarget) document.body.classList.remove('dragging');
});
addEventListener('drop', (event) => {
  event.preventDefault();
  document.body.classList.remove('dragging');
  if (!event.dataTransfer) return;
  const isTeachers = event.target instanceof Element && event.target.closest('#teacher') !== null;
  takeOrTell(droppedFiles(event.dataTransfer), isTeachers ? 'teacher' : 'student');
});
matchMedia('(prefers-color-scheme: dark)').addEventListener('change', () => {
  stage.recolour();
  charts.recolour();
});

if (navigator.gpu) {
  send = await connect(receive);
  start();
} else showFault('This browser has no WebGPU (navigator.gpu is missing).', true);
