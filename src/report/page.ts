import type { Figure } from './figure.js';
import { STYLE } from './style.js';
import { escapeText, tag } from './svg.js';

/** A part of the page that is text or tables. */
export interface Section {
  id: string;
  title: string;
  /** Between the heading and the next part. */
  html: string;
}

export interface PageHead {
  title: string;
  /** Below the title. */
  lead: string;
  /** At the end: how it was made. */
  foot: string;
}

/** The report as one HTML document that needs nothing else: no network, no script. */
export function renderPage({ title, lead, foot }: PageHead, parts: readonly (Figure | Section)[]): string {
  const contents = parts.map((part) => `<li><a href="#${part.id}">${escapeText(part.title)}</a></li>`);
  return `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<title>${escapeText(title)}</title>
<style>${STYLE}</style>
</head>
<body>
<a class="skip" href="#main">Skip to the figures</a>
<header>
<h1>${escapeText(title)}</h1>
<p class="soft">${escapeText(lead)}</p>
<nav aria-label="Contents"><ol>${contents.join('')}</ol></nav>
</header>
<main id="main" tabindex="-1">
${parts.map((part) => ('html' in part ? renderSection(part) : renderFigure(part))).join('\n')}
</main>
<footer><p>${escapeText(foot)}</p></footer>
</body>
</html>
`;
}

function renderSection({ id, title, html }: Section): string {
  return `<section id="${id}" aria-labelledby="${id}-title"><h2 id="${id}-title">${escapeText(title)}</h2>${html}</section>`;
}

function renderFigure({ id, title, caption, panels, columns, legend }: Figure): string {
  const drawings = panels.map(({ title: heading, width, height, body, label }) => {
    const svg = tag('svg', { viewBox: `0 0 ${width} ${height}`, role: 'img', 'aria-label': label }, body);
    return `<div class="panel">${heading === '' ? '' : `<h3>${escapeText(heading)}</h3>`}${svg}</div>`;
  });
  const entries = legend.map(
    ({ text, swatch }) =>
      `<li>${tag('svg', { viewBox: '0 0 28 14', 'aria-hidden': 'true' }, swatch)}${escapeText(text)}</li>`,
  );
  const shape = panels.length === 1 ? 'panels single' : 'panels';
  return `<section id="${id}" aria-labelledby="${id}-title"><h2 id="${id}-title">${escapeText(title)}</h2>
<figure><div class="${shape}" style="--columns:${columns}">${drawings.join('')}</div>
${entries.length > 0 ? `<ul class="legend" aria-label="Legend">${entries.join('')}</ul>` : ''}
<figcaption>${escapeText(caption)}</figcaption></figure></section>`;
}
