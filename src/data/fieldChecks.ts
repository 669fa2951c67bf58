import { brief } from '../util/brief.js';
import { counted } from '../util/counts.js';
import { InputError } from '../util/error.js';

/** Kinds of faults that one error tells. */
const MAX_KINDS = 3;
/** Pixels: no decoder reads larger images. */
const LARGEST_SIDE = 100_000;
/** Square pixels: COCO's evaluation ignores larger objects. */
const LARGEST_AREA = LARGEST_SIDE ** 2;

/** Checks the fields of a file's entries one after the other, and reports all faults at the end, with counts. */
export class FieldChecks {
  readonly #file: string;
  readonly #faults = new Map<string, { message: string; list: string; count: number }>();
  readonly #counts = new Map<string, number>();
  #list = '';
  #index = 0;

  /** @param file its name, for errors */
  constructor(file: string) {
    this.#file = file;
  }

  /** The next entry of a list; the list of a file that is one has the name ''. @returns its index */
  next(list: string): number {
    this.#list = list;
    this.#index = this.#counts.get(list) ?? 0;
    this.#counts.set(list, this.#index + 1);
    return this.#index;
  }

  /** Notes what is wrong in a field of an entry, the current one unless said otherwise. */
  fault(field: string, what: string, { list = this.#list, index = this.#index } = {}): void {
    const kind = `${list} ${field}`;
    const found = this.#faults.get(kind);
    if (found) found.count++;
    else this.#faults.set(kind, { message: `${list}[${index}]${field && `.${field}`} ${what}`, list, count: 1 });
  }

  /** @throws {InputError} that names the first fault of each kind, and how many there are */
  throwFaults(): void {
    if (this.#faults.size === 0) return;
    const kinds = [...this.#faults.values()].map(({ message, list, count }) => {
      const all = this.#counts.get(list) ?? 0;
      const of = `${count.toLocaleString('en')} of ${all.toLocaleString('en')}`;
      return all > 1 ? `${message} (in ${of} ${list || 'entries'})` : message;
    });
    const more = kinds.length - MAX_KINDS;
    const told = kinds.slice(0, MAX_KINDS).join('; ');
    const others = more > 0 ? `; and ${counted(more, 'other kind')} of faults` : '';
    throw new InputError(`${this.#file}: ${told}${others}`);
  }

  record(value: unknown): Record<string, unknown> | undefined {
    const isRecord = typeof value === 'object' && value !== null && !Array.isArray(value);
    return isRecord ? (value as Record<string, unknown>) : this.#unexpected('', value, 'an object');
  }

  integer(field: string, value: unknown): number | undefined {
    return Number.isSafeInteger(value) ? (value as number) : this.#unexpected(field, value, 'an integer');
  }

  text(field: string, value: unknown): string | undefined {
    return typeof value === 'string' && value !== '' ? value : this.#unexpected(field, value, 'a text');
  }

  /** Pixels a side. */
  size(field: string, value: unknown): number | undefined {
    const fits = Number.isSafeInteger(value) && (value as number) > 0 && (value as number) <= LARGEST_SIDE;
    return fits
      ? (value as number)
      : this.#unexpected(field, value, `a positive integer (pixels), at most ${LARGEST_SIDE}`);
  }

  area(field: string, value: unknown): number | undefined {
    const fits = typeof value === 'number' && value >= 0 && value <= LARGEST_AREA;
    return fits ? value : this.#unexpected(field, value, 'a number (square pixels), 0 to 1e10');
  }

  number(field: string, value: unknown): number | undefined {
    return typeof value === 'number' && Number.isFinite(value) ? value : this.#unexpected(field, value, 'a number');
  }

  flag(field: string, value: unknown): boolean | undefined {
    if (value === 0 || value === 1 || typeof value === 'boolean') return Boolean(value);
    return this.#unexpected(field, value, '0, 1, true or false');
  }

  /** [x, y, width, height] */
  box(field: string, value: unknown): [number, number, number, number] | undefined {
    const fits =
      Array.isArray(value) &&
      value.length === 4 &&
      value.every((side) => typeof side === 'number' && Math.abs(side) <= LARGEST_SIDE);
    if (fits) return value as [number, number, number, number];
    return this.#unexpected(field, value, `[x, y, width, height] in pixels, at most ${LARGEST_SIDE}`);
  }

  #unexpected(field: string, value: unknown, expected: string): undefined {
    const found = value === undefined ? 'is missing' : `is ${brief(value)}`;
    // Converters from XML write numbers and truth values as texts.
    const quoted =
      typeof value === 'string' &&
      ((value.trim() !== '' && Number.isFinite(Number(value))) || /^(true|false)$/.test(value));
    this.fault(field, `${found}, expected ${expected}${quoted ? '; take the quotes away' : ''}`);
    return undefined;
  }
}
