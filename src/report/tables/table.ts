import { escapeText } from '../svg.js';

/** A cell: text, or text with a smaller second line. */
export type Cell = string | { text: string; below: string; isStrong?: boolean };

/** A table in a box of its own that scrolls sideways, with headings for rows and columns. */
export function renderTable(caption: string, head: readonly string[], rows: readonly (readonly Cell[])[]): string {
  const columns = head.map((text) => `<th scope="col">${escapeText(text)}</th>`).join('');
  const body = rows.map(([first, ...rest]) => {
    const cells = rest.map((cell) => `<td>${renderCell(cell)}</td>`).join('');
    return `<tr><th scope="row">${renderCell(first)}</th>${cells}</tr>`;
  });
  // Focusable, so that the keyboard can scroll it.
  return (
    `<div class="scroll" role="region" tabindex="0" aria-label="${escapeText(caption)}"><table><caption>${escapeText(caption)}</caption>` +
    `<thead><tr>${columns}</tr></thead><tbody>${body.join('')}</tbody></table></div>`
  );
}

function renderCell(cell: Cell): string {
  if (typeof cell === 'string') return escapeText(cell);
  const text = escapeText(cell.text);
  return `${cell.isStrong ? `<span class="sure">${text}</span>` : text}<small>${escapeText(cell.below)}</small>`;
}
