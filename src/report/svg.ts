type Attributes = Record<string, string | number | undefined>;

/** An SVG element as text; attributes that are undefined are left out, numbers have two decimals at most. */
export function tag(name: string, attributes: Attributes, content = ''): string {
  const given = Object.entries(attributes).flatMap(([key, value]) =>
    value === undefined ? [] : [` ${key}="${typeof value === 'number' ? short(value) : escapeText(value)}"`],
  );
  return content === '' ? `<${name}${given.join('')}/>` : `<${name}${given.join('')}>${content}</${name}>`;
}

/** Text that stands for itself in HTML and SVG, in attributes too. */
export function escapeText(text: string): string {
  return text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;').replaceAll('"', '&quot;');
}

/** Two decimals at most. */
export function short(value: number): string {
  return String(Math.round(value * 100) / 100);
}

/** A path through points, closed. */
export function polygon(points: readonly (readonly [number, number])[], attributes: Attributes): string {
  return tag('path', { d: `M${points.map(([x, y]) => `${short(x)} ${short(y)}`).join('L')}Z`, ...attributes });
}
