import { readable } from '../util/readable.js';

/** HTML or SVG that need not be escaped. `html` and `tag` make it, and escape everything else. */
class Markup {
  readonly #text: string;

  constructor(text: string) {
    this.#text = text;
  }

  toString(): string {
    return this.#text;
  }
}

export type { Markup };

/** What may stand in markup: markup as it is, texts and numbers escaped, lists one after the other. */
export type Content = Markup | string | number | readonly Content[];

type Attributes = Record<string, string | number | undefined>;

/** HTML from a template. Values are escaped, in attributes too (which must be quoted), unless they are markup. */
export function html(pieces: TemplateStringsArray, ...values: Content[]): Markup {
  return new Markup(pieces.map((piece, i) => (i === 0 ? piece : render(values[i - 1]) + piece)).join(''));
}

/** An SVG element; attributes that are undefined are left out, numbers have two decimals at most. */
export function tag(name: string, attributes: Attributes, content: Content = ''): Markup {
  const given = Object.entries(attributes).flatMap(([key, value]) =>
    value === undefined ? [] : [` ${key}="${escapeText(typeof value === 'number' ? short(value) : value)}"`],
  );
  const inside = render(content);
  return new Markup(inside === '' ? `<${name}${given.join('')}/>` : `<${name}${given.join('')}>${inside}</${name}>`);
}

/** What is markup already: of a program that escapes, such as ECharts, or of this one. */
export function trusted(markup: string): Markup {
  return new Markup(markup);
}

function render(content: Content): string {
  if (content instanceof Markup) return content.toString();
  return typeof content === 'object' ? content.map(render).join('') : escapeText(String(content));
}

const ESCAPES: Record<string, string> = { '&': '&amp;', '<': '&lt;', '>': '&gt;', '"': '&quot;', "'": '&#39;' };

/** Text escaped for HTML and SVG, attributes too, without characters that XML forbids. */
function escapeText(text: string): string {
  return readable(text).replace(/[&<>"']/g, (character) => ESCAPES[character]);
}

/** Two decimals at most. */
export function short(value: number): string {
  return String(Math.round(value * 100) / 100);
}

/** A path through points, closed. */
export function polygon(points: readonly (readonly [number, number])[], attributes: Attributes): Markup {
  return tag('path', { d: `M${points.map(([x, y]) => `${short(x)} ${short(y)}`).join('L')}Z`, ...attributes });
}
