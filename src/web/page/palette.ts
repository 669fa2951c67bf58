import type { NetName } from '../protocol.js';

/** Colours of a theme, from style.css: those of Okabe and Ito, which colour-blind people tell apart. */
export interface Palette {
  ink: string;
  faint: string;
  line: string;
  nets: Record<NetName, string>;
}

export function paletteOf(element: Element): Palette {
  const style = getComputedStyle(element);
  const colour = (name: string) => style.getPropertyValue(`--${name}`).trim();
  return {
    ink: colour('ink'),
    faint: colour('faint'),
    line: colour('line'),
    nets: { teacher: colour('teacher'), with: colour('with'), without: colour('without') },
  };
}

/** On the image, whatever the theme: bright, and drawn over a dark rim. */
export const ON_IMAGE = {
  nets: { teacher: '#ffc340', with: '#5cc0ff', without: '#ff9bd8' } satisfies Record<NetName, string>,
  /** The teacher's, for a gradient. */
  glow: '255 195 64',
  main: '#37e8ae',
  valuable: '#fff48a',
  truth: '#ffffff',
  rim: 'rgb(0 0 0 / 0.55)',
};

/** Told apart without colour too. */
export const DASHES: Record<NetName, number[]> = { teacher: [], with: [], without: [5, 4] };
