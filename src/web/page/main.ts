/** The page: shows what the training reports, and tells it what the visitor wants. */
import { decimals, NONE, percent } from '../../util/figures.js';
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
  STEPS,
} from '../protocol.js';
import { Charts } from './charts.js';
import { chosenFiles, droppedFiles } from './dropped.js';
import { element } from './elements.js';
import { connect } from './link.js';
import { makeReading } from './reading.js';
import { Stage, type StageChoice } from './stage.js';

const SEED = 1;
/** Before the first step. */
const STARTING = 'starting';

const pauseButton = element('#pause', HTMLButtonElement);
const canvas = element('#canvas', HTMLCanvasElement);
const fault = element('#fault', HTMLElement);
const levels = element('#regions select', HTMLSelectElement);
const fileInput = element('#files', HTMLInputElement);
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

function receive(report: Report): void {
  if (report.kind === 'ready') {
    ready = report;
    classes = report.classes;
    const seen = report.sameImages ? 'the images it learns from' : 'images none has seen';
    element('#seen b', HTMLElement).textContent = `AP on ${seen}`;
    element('#seen span', HTMLElement).hidden = report.live; // known of the shipped teacher only
    showFacts(0);
  } else if (report.kind === 'compilation') {
    const { done, of } = report;
    element('#pace', HTMLElement).textContent = done < of ? `compiling kernels (${done} of ${of})` : STARTING;
  } else if (report.kind === 'steps') {
    milliseconds = milliseconds ? 0.8 * milliseconds + 0.2 * report.milliseconds : report.milliseconds;
    charts.addSteps(report.step, report.terms);
    progress.value = report.step / STEPS;
    document.body.dataset.step = String(report.step);
    showFacts(report.step);
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
  } else showFault(report.message, report.device);
}

function start(): void {
  fault.hidden = true;
  charts.clear();
  milliseconds = 0;
  image = 0;
  progress.removeAttribute('value'); // the first step compiles its kernels, which takes a while without a graphics card
  document.body.dataset.step = '0';
  for (const name of NETS) showTile(name, null);
  setPaused(false);
  pauseButton.disabled = false;
  shapesButton.hidden = files === null;
  const live = element('input[name=source][value=live]', HTMLInputElement);
  if (files) live.checked = true; // the teacher that has learned before knows shapes only
  element('input[name=source][value=shipped]', HTMLInputElement).disabled = files !== null;
  send({ kind: 'start', files, teacher: live.checked ? 'live' : 'shipped', seed: SEED, distillation });
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

function showFacts(step: number): void {
  if (!ready) return;
  const { adapter, parameters, images: count, validation, sameImages, live } = ready;
  const thousand = (value: number) => `${Math.round(value / 1000)} k`;
  const time = `${milliseconds.toFixed(milliseconds < 10 ? 1 : 0)} ms`;
  element('#pace', HTMLElement).textContent = step ? `step ${step} · ${time}` : STARTING;
  const facts = {
    Step: `${step} of ${STEPS}`,
    'Step time': step ? time : NONE,
    Adapter: adapter || 'WebGPU',
    Teacher: `${thousand(parameters.teacher)} parameters${live ? ', learning' : ''}`,
    Students: `${thousand(parameters.with)} parameters each, same start`,
    Images: `${count} to learn from, AP on ${sameImages ? 'the same' : `${validation} others`}`,
  };
  const list = element('#facts', HTMLElement);
  list.replaceChildren(
    ...Object.entries(facts).flatMap(([name, value]) => {
      const [term, text] = [document.createElement('dt'), document.createElement('dd')];
      term.textContent = name;
      text.textContent = value;
      return [term, text];
    }),
  );
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
element('#fault .again', HTMLButtonElement).addEventListener('click', () => location.reload());
element('#next', HTMLButtonElement).addEventListener('click', () => lookAt(image + 1));
element('#previous', HTMLButtonElement).addEventListener('click', () => lookAt(image - 1));
canvas.addEventListener('keydown', ({ key }) => {
  if (key === 'ArrowRight') stage.step(1);
  if (key === 'ArrowLeft') stage.step(-1);
});
for (const fieldset of ['#nets', '#regions']) {
  element(fieldset, HTMLFieldSetElement).addEventListener('change', () => stage.choose(choice()));
}
for (const radio of document.querySelectorAll('input[name=source]')) radio.addEventListener('change', start);

for (const name of ['weight', 'temperature', 'gamma'] as const) {
  const slider = element(`#${name}`, HTMLInputElement);
  const output = element(`label:has(#${name}) output`, HTMLOutputElement);
  const show = () => {
    output.textContent = Number(slider.value).toFixed(name === 'temperature' ? 1 : 2);
  };
  slider.value = String(distillation[name]);
  show();
  slider.addEventListener('input', () => {
    show();
    distillation = { ...distillation, [name]: Number(slider.value) };
    send({ kind: 'distil', distillation });
  });
}

function take(list: DroppedFile[]): void {
  if (list.length === 0) return;
  files = list;
  start();
}
fileInput.addEventListener('change', () => {
  take(chosenFiles(fileInput.files ?? []));
  fileInput.value = '';
});
shapesButton.addEventListener('click', () => {
  files = null;
  element('input[name=source][value=shipped]', HTMLInputElement).checked = true;
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
  droppedFiles(event.dataTransfer).then(take, (error: Error) => showFault(error.message, false));
});
matchMedia('(prefers-color-scheme: dark)').addEventListener('change', () => {
  stage.recolour();
  charts.recolour();
});

if (navigator.gpu) {
  send = await connect(receive);
  start();
} else showFault('This browser has no WebGPU (navigator.gpu is missing).', true);
