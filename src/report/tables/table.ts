import { html, type Markup } from '../markup.js';

/** A cell: text, or text with a smaller second line. */
export type Cell = string | { text: string; below: string; isStrong?: boolean };

/** A table in a box of its own that scrolls sideways, with headings for rows and columns. */
export function renderTable(caption: string, head: readonly string[], rows: readonly (readonly Cell[])[]): Markup {
  const columns = head.map((text) => html`<th scope="col">${text}</th>`);
  const body = rows.map(([first, ...rest]) => {
    const cells = rest.map((cell) => html`<td>${renderCell(cell)}</td>`);
    return html`<tr><th scope="row">${renderCell(first)}</th>${cells}</tr>`;
  });
  // Focusable, so that the keyboard can scroll it.
  return html`<div class="scroll" role="region" tabindex="0" aria-label="${caption}"><table><caption>${caption}</caption><thead><tr>${columns}</tr></thead><tbody>${body}</tbody></table></div>`;
}

function renderCell(cell: Cell): Markup {
  if (typeof cell === 'string') return html`${cell}`;
  const text = cell.isStrong ? html`<span class="sure">${cell.text}</span>` : cell.text;
  return html`${text}<small>${cell.below}</small>`;
}
