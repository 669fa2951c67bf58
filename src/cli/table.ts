import { readable } from '../util/readable.js';

/**
 * Lines up columns, a line a row whatever is in its cells: those of numbers to the right, the others to the left.
 * @param rows the heading first
 */
export function table(rows: readonly (readonly string[])[]): string {
  const columns = rows[0].map((_, column) => {
    const cells = rows.map((row) => readable(row[column]));
    const width = Math.max(...cells.map((cell) => cell.length));
    const isNumeric = cells.slice(1).every((cell) => /^[–\d.]/.test(cell));
    return cells.map((cell) => (isNumeric ? cell.padStart(width) : cell.padEnd(width)));
  });
  return rows
    .map((_, row) =>
      columns
        .map((cells) => cells[row])
        .join('  ')
        .trimEnd(),
    )
    .join('\n');
}
