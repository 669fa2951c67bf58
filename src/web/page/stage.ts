import { type Look, NETS, type NetName, STUDENTS } from '../protocol.js';
import { type Edge, edgesOf, isSameGrid, locationsOf, objectAt } from './edges.js';
import { DASHES, ON_IMAGE, type Palette, paletteOf } from './palette.js';
import { drawRegions, type RegionChoice } from './regions.js';
import { drawSideStrip, drawTopStrip } from './strips.js';
import type { Layout, Reading } from './view.js';

/** Milliseconds that the distributions take from one look to the next. */
const GLIDE = 350;

export interface StageChoice extends RegionChoice {
  nets: ReadonlySet<NetName>;
}

/** The image with boxes and regions, and the distributions of the selected object's edges along it. */
export class Stage {
  readonly #canvas: HTMLCanvasElement;
  readonly #onRead: (reading: Reading) => void;
  readonly #image = document.createElement('canvas');
  #palette: Palette;
  #choice: StageChoice;
  #look: Look | null = null;
  #before: Look | null = null;
  #arrived = 0;
  #object = 0;
  #frame = 0;

  constructor(canvas: HTMLCanvasElement, choice: StageChoice, onRead: (reading: Reading) => void) {
    this.#canvas = canvas;
    this.#choice = choice;
    this.#onRead = onRead;
    this.#palette = paletteOf(canvas);
    new ResizeObserver(() => this.#redraw()).observe(canvas);
    canvas.addEventListener('pointermove', (event) => this.#point(event));
    canvas.addEventListener('pointerdown', (event) => this.#point(event));
  }

  show(look: Look): void {
    const isSame = this.#look?.image === look.image && this.#look.boxes.length === look.boxes.length;
    this.#before = isSame ? this.#look : null;
    this.#look = look;
    this.#arrived = performance.now();
    this.#image.width = look.width;
    this.#image.height = look.height;
    this.#image.getContext('2d')?.putImageData(new ImageData(look.rgba, look.width, look.height), 0, 0);
    if (!isSame) this.#object = largestObject(look);
    this.#redraw();
  }

  choose(choice: StageChoice): void {
    this.#choice = choice;
    this.#redraw();
  }

  /** Takes the colours anew, after the theme has changed. */
  recolour(): void {
    this.#palette = paletteOf(this.#canvas);
    this.#redraw();
  }

  /** Selects the next object, or the one before. */
  step(by: 1 | -1): void {
    const count = this.#look?.labels.length ?? 0;
    if (count > 0) this.#object = (this.#object + by + count) % count;
    this.#redraw();
  }

  #point(event: PointerEvent): void {
    if (!this.#look) return;
    const { scale, strip } = this.#layout(this.#look);
    const bounds = this.#canvas.getBoundingClientRect();
    const [x, y] = [event.clientX - bounds.left, event.clientY - bounds.top - strip];
    const object = objectAt(this.#look, x / scale, y / scale);
    if (object < 0 || object === this.#object) return;
    this.#object = object;
    this.#redraw();
  }

  #layout({ width, height }: Look): Layout {
    const whole = this.#canvas.clientWidth;
    const strip = Math.min(Math.max(whole * 0.17, 54), 120);
    const side = whole - strip;
    return { side, strip, scale: side / Math.max(width, height) };
  }

  #redraw(): void {
    cancelAnimationFrame(this.#frame);
    this.#frame = requestAnimationFrame(() => this.#draw());
  }

  #draw(): void {
    const look = this.#look;
    const context = this.#canvas.getContext('2d');
    if (!look || !context || this.#canvas.clientWidth === 0) return;
    const layout = this.#layout(look);
    const whole = layout.side + layout.strip;
    const density = window.devicePixelRatio || 1;
    const pixels = Math.round(whole * density);
    if (this.#canvas.width !== pixels) this.#canvas.width = this.#canvas.height = pixels;
    context.setTransform(density, 0, 0, density, 0, 0);
    context.clearRect(0, 0, whole, whole);

    const still = matchMedia('(prefers-reduced-motion: reduce)').matches;
    const share = still ? 1 : Math.min(1, (performance.now() - this.#arrived) / GLIDE);
    const reading = look.labels.length > 0 ? this.#read(look, share * share * (3 - 2 * share)) : null;
    this.#drawImage(context, look, layout, reading);
    if (reading) {
      const shown = NETS.filter((name) => this.#choice.nets.has(name) && reading.edges[name]);
      drawTopStrip(context, layout, reading, shown, this.#palette);
      drawSideStrip(context, layout, reading, shown, this.#palette);
      this.#onRead(reading);
    }
    if (share < 1) this.#redraw();
  }

  #read(look: Look, share: number): Reading {
    const object = Math.min(this.#object, look.labels.length - 1);
    const locationOf = locationsOf(look, object);
    const edges: Reading['edges'] = {};
    for (const name of NETS) {
      const answer = look.answers[name];
      if (!answer) continue;
      const before = this.#before?.answers[name];
      const earlier = before && isSameGrid(before.grid, answer.grid) ? before : null;
      edges[name] = edgesOf(answer, locationOf(answer), earlier, share);
    }
    const truth = Array.from(look.boxes.subarray(4 * object, 4 * object + 4));
    return { object, label: look.labels[object], truth, edges };
  }

  #drawImage(context: CanvasRenderingContext2D, look: Look, layout: Layout, reading: Reading | null): void {
    const { side, strip, scale } = layout;
    context.save();
    context.translate(0, strip);
    context.beginPath();
    context.roundRect(0, 0, side, side, 10);
    context.clip();
    context.fillStyle = '#000';
    context.fillRect(0, 0, side, side);
    context.imageSmoothingEnabled = false;
    context.drawImage(this.#image, 0, 0, look.width * scale, look.height * scale);
    drawRegions(context, look, scale, this.#choice);

    const line = (box: ArrayLike<number>, colour: string, width: number, dash: number[], alpha: number) => {
      const [x1, y1, x2, y2] = Array.from(box, (value) => value * scale);
      context.globalAlpha = alpha;
      context.setLineDash(dash);
      if (alpha === 1) {
        context.strokeStyle = ON_IMAGE.rim;
        context.lineWidth = width + 2;
        context.strokeRect(x1, y1, x2 - x1, y2 - y1);
      }
      context.strokeStyle = colour;
      context.lineWidth = width;
      context.strokeRect(x1, y1, x2 - x1, y2 - y1);
      context.globalAlpha = 1;
      context.setLineDash([]);
    };
    for (let object = 0; object < look.labels.length; object++) {
      const box = look.boxes.subarray(4 * object, 4 * object + 4);
      if (object !== reading?.object) line(box, ON_IMAGE.truth, 1, [2, 3], 0.6);
    }
    for (const name of STUDENTS) {
      const answer = look.answers[name];
      if (!answer || !this.#choice.nets.has(name)) continue;
      const { boxes } = answer.detections;
      for (let i = 0; i < boxes.length; i += 4) {
        line(boxes.subarray(i, i + 4), ON_IMAGE.nets[name], 1.5, DASHES[name], 0.75);
      }
    }
    if (reading) {
      if (reading.edges.teacher && this.#choice.nets.has('teacher')) drawGlow(context, reading.edges.teacher, scale);
      line(reading.truth, ON_IMAGE.truth, 1.5, [2, 3], 1);
      for (const name of NETS) {
        const edges = reading.edges[name];
        if (!edges || !this.#choice.nets.has(name)) continue;
        const box = edges.map(({ mean }) => mean);
        line(box, ON_IMAGE.nets[name], name === 'teacher' ? 1.5 : 2.5, DASHES[name], 1);
      }
    }
    context.restore();
  }
}

/** The teacher's distributions on the image: a light along each edge, as wide as the teacher is unsure. */
function drawGlow(context: CanvasRenderingContext2D, edges: readonly Edge[], scale: number): void {
  const [left, top, right, bottom] = edges.map(({ mean }) => mean * scale);
  edges.forEach(({ positions, probabilities }, edge) => {
    const isUpright = edge % 2 === 0;
    const [from, to] = [positions[0] * scale, positions[positions.length - 1] * scale];
    const light = isUpright
      ? context.createLinearGradient(from, 0, to, 0)
      : context.createLinearGradient(0, from, 0, to);
    probabilities.forEach((probability, bin) => {
      const alpha = Math.round(100 * 0.8 * probability);
      light.addColorStop(bin / (probabilities.length - 1), `rgb(${ON_IMAGE.glow} / ${alpha}%)`);
    });
    context.fillStyle = light;
    if (isUpright) context.fillRect(Math.min(from, to), top, Math.abs(to - from), bottom - top);
    else context.fillRect(left, Math.min(from, to), right - left, Math.abs(to - from));
  });
}

function largestObject({ boxes, labels }: Look): number {
  const areas = Array.from(labels, (_, i) => (boxes[4 * i + 2] - boxes[4 * i]) * (boxes[4 * i + 3] - boxes[4 * i + 1]));
  return areas.indexOf(Math.max(...areas));
}
