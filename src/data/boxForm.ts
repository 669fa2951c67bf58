import { counted } from '../util/counts.js';

/** If at least this fraction of the boxes looks so, all are taken for fractions of the image. */
const MANY_PARTS = 0.5;
/** Boxes are taken for corners if at least this fraction would reach beyond their image … */
const MANY_BEYOND = 0.3;
/** … and this fraction has its second corner right of and below the first, and inside the image. */
const NEARLY_ALL = 0.95;
/** Pixels that a box may reach beyond its image by rounding. */
const ROUNDING = 1;

/** Looks at the boxes of a file: are they [x, y, width, height] in pixels? */
export class BoxForm {
  /** What a box belongs to. */
  readonly #noun: string;
  #all = 0;
  #withArea = 0;
  #parts = 0;
  #beyond = 0;
  #corners = 0;
  #firstBeyond = '';

  /** @param noun `annotation` or `detection` */
  constructor(noun: string) {
    this.#noun = noun;
  }

  /** @param size of the image, in pixels */
  add(x: number, y: number, w: number, h: number, { width, height }: { width: number; height: number }): void {
    this.#all++;
    if (!(w > 0 && h > 0)) return;
    this.#withArea++;
    if (width > 2 && height > 2 && x >= 0 && y >= 0 && Math.max(x, y, w, h) <= 1) this.#parts++;
    if (w > x && h > y && w <= width + ROUNDING && h <= height + ROUNDING) this.#corners++;
    const isInside = x >= -ROUNDING && y >= -ROUNDING && x + w <= width + ROUNDING && y + h <= height + ROUNDING;
    if (isInside) return;
    if (this.#beyond++ === 0) this.#firstBeyond = `[${[x, y, w, h].join(', ')}] in ${width}×${height}`;
  }

  /** What all boxes seem to be; null: as they should be. */
  get fault(): string | null {
    if (this.#withArea === 0) return null;
    if (this.#isParts) {
      return `bbox: ${this.of(this.#parts)} lie within 0 … 1, so they seem to be parts of the image; COCO's are pixels: multiply x and width by the image's width, y and height by its height (YOLO's x and y are those of the centre)`;
    }
    if (this.#isCorners) {
      return `bbox: ${this.of(this.#beyond)} reach beyond their image, so they seem to be corners (x1, y1, x2, y2); COCO's are [x, y, width, height]: subtract x1 from x2 and y1 from y2`;
    }
    return null;
  }

  /** Tells of boxes within 0 … 1 among others. */
  get fewParts(): string[] {
    if (this.#parts === 0 || this.#isParts) return [];
    return [`${this.of(this.#parts)} have a box within 0 … 1: of a pixel at most, or not in pixels?`];
  }

  /** Reports boxes beyond their image, which annotations should not have (detections may). */
  get fewBeyond(): string[] {
    if (this.#beyond === 0 || this.#isCorners) return [];
    return [`${this.of(this.#beyond)} reach beyond their image (the first: ${this.#firstBeyond})`];
  }

  /** `3 of 27 annotations` */
  of(count: number): string {
    return `${count.toLocaleString('en')} of ${counted(this.#all, this.#noun)}`;
  }

  get #isParts(): boolean {
    return this.#parts >= MANY_PARTS * this.#withArea;
  }

  get #isCorners(): boolean {
    return this.#beyond >= MANY_BEYOND * this.#withArea && this.#corners >= NEARLY_ALL * this.#withArea;
  }
}
