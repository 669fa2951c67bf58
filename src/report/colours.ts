/**
 * Colours of page and figures in light and dark. Hues are those of Okabe and Ito (2008), told apart with every common colour
 * deficiency; in the dark they are lightened. Drawings name them as CSS variables, so that a page switches all at once.
 */
const LIGHT = {
  paper: '#ffffff',
  panel: '#f5f6f8',
  ink: '#1b1f24',
  soft: '#565d66',
  line: '#d5d9de',
  veil: '#ffffff',
  /** Opacity of the veil over pictures. */
  veiling: '0.25',
  teacher: '#009e73',
  plain: '#d55e00',
  distilled: '#0072b2',
  other1: '#cc79a7',
  other2: '#b8860b',
  other3: '#3d93c9',
  other4: '#7a6fb0',
  other5: '#6b6b6b',
  spread0: '#00529e',
  spread1: '#5560b4',
  spread2: '#9a5fa8',
  spread3: '#c8616f',
  spread4: '#e06600',
  missed: '#d55e00',
  false: '#0072b2',
  badly: '#a8467f',
  main: '#0072b2',
  valuable: '#d98200',
} as const;

export type Colour = keyof typeof LIGHT;

const DARK: Record<Colour, string> = {
  paper: '#14171b',
  panel: '#1d2126',
  ink: '#eceef1',
  soft: '#a7aeb7',
  line: '#3a4048',
  veil: '#0b0d10',
  veiling: '0.42',
  teacher: '#2fc79c',
  plain: '#ff8a3d',
  distilled: '#56b4e9',
  other1: '#e3a3c6',
  other2: '#e6b93c',
  other3: '#9ad1f2',
  other4: '#b3a9e0',
  other5: '#b5b5b5',
  spread0: '#58b6ff',
  spread1: '#8fa9f5',
  spread2: '#c79bd8',
  spread3: '#f08f92',
  spread4: '#ff9a3c',
  missed: '#ff8a3d',
  false: '#56b4e9',
  badly: '#e88fc0',
  main: '#56b4e9',
  valuable: '#f0b03a',
};

export type Theme = 'light' | 'dark';

/** A colour as drawings name it. */
export function colour(name: Colour): string {
  return `var(--${name})`;
}

/** The declarations of a theme's variables, for a style sheet. */
export function declarations(theme: Theme): string {
  return Object.entries(theme === 'light' ? LIGHT : DARK)
    .map(([name, value]) => `--${name}:${value}`)
    .join(';');
}

/** Puts a theme's values in the variables' places: for programs that know no variables. */
export function resolveColours(svg: string, theme: Theme): string {
  const values: Record<string, string> = theme === 'light' ? LIGHT : DARK;
  // Whole attributes: a name in a text may look like a variable, too.
  return svg.replace(/(?<==")var\(--(\w+)\)(?=")/g, (whole, name: string) => values[name] ?? whole);
}

const SERIES: readonly Colour[] = ['other1', 'other2', 'other3', 'other4', 'other5'];

/** Of the n-th of several things, from 1, where teacher, plain and distilled have their own colours. */
export function seriesColour(n: number): string {
  return colour(SERIES[(n - 1) % SERIES.length]);
}

// Cividis (Nuñez et al., PLoS ONE 2018), nine points: even in lightness, the same to a colour-blind reader.
const CIVIDIS = ['#00224e', '#123570', '#3b496c', '#575d6d', '#707173', '#8a8678', '#a59c74', '#c3b369', '#fee838'];

/** @param share 0 … 1, clamped */
export function cividis(share: number): string {
  const at = Math.min(Math.max(share, 0), 1) * (CIVIDIS.length - 1);
  const low = Math.min(Math.floor(at), CIVIDIS.length - 2);
  const mixed = [1, 3, 5].map((digit) => {
    const [a, b] = [CIVIDIS[low], CIVIDIS[low + 1]].map((hex) => Number.parseInt(hex.slice(digit, digit + 2), 16));
    return Math.round(a + (b - a) * (at - low))
      .toString(16)
      .padStart(2, '0');
  });
  return `#${mixed.join('')}`;
}
