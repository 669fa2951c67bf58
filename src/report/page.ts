import type { Figure } from './figure.js';
import { html, type Markup, tag, trusted } from './markup.js';
import { STYLE } from './style.js';

/** A part of the page that is text or tables. */
export interface Section {
  id: string;
  title: string;
  /** Between the heading and the next part. */
  content: Markup;
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
  const contents = parts.map((part) => html`<li><a href="#${part.id}">${part.title}</a></li>`);
  const page = html`<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<title>${title}</title>
<style>${trusted(STYLE)}</style>
</head>
<body>
<a class="skip" href="#main">Skip to the figures</a>
<header>
<h1>${title}</h1>
<p class="soft">${lead}</p>
<nav aria-label="Contents"><ol>${contents}</ol></nav>
</header>
<main id="main" tabindex="-1">
${parts.map((part) => ('content' in part ? renderSection(part) : renderFigure(part)))}
</main>
<footer><p>${foot}</p></footer>
</body>
</html>
`;
  return page.toString();
}

function renderSection({ id, title, content }: Section): Markup {
  return html`<section id="${id}" aria-labelledby="${id}-title"><h2 id="${id}-title">${title}</h2>${content}</section>
`;
}

function renderFigure({ id, title, caption, panels, columns, legend }: Figure): Markup {
  const drawings = panels.map(({ title: heading, width, height, body, label }) => {
    const svg = tag('svg', { viewBox: `0 0 ${width} ${height}`, role: 'img', 'aria-label': label }, body);
    return html`<div class="panel">${heading === '' ? '' : html`<h3>${heading}</h3>`}${svg}</div>`;
  });
  const entries = legend.map(
    ({ text, swatch }) => html`<li>${tag('svg', { viewBox: '0 0 28 14', 'aria-hidden': 'true' }, swatch)}${text}</li>`,
  );
  const shape = panels.length === 1 ? 'panels single' : 'panels';
  return html`<section id="${id}" aria-labelledby="${id}-title"><h2 id="${id}-title">${title}</h2>
<figure><div class="${shape}" style="--columns:${columns}">${drawings}</div>
${entries.length > 0 ? html`<ul class="legend" aria-label="Legend">${entries}</ul>` : ''}
<figcaption>${caption}</figcaption></figure></section>
`;
}
