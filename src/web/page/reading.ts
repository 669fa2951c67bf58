import { NETS } from '../protocol.js';
import { EDGES } from './edges.js';
import { element } from './elements.js';
import type { Reading } from './view.js';

const NAMES = { teacher: 'teacher', with: 'with LD', without: 'without LD' };

/** The table below the image: where each net sees the edges of the selected object, as numbers. */
export function makeReading(): (reading: Reading, classes: readonly string[]) => void {
  const caption = element('#reading caption', HTMLElement);
  const body = element('#reading tbody', HTMLElement);
  const rows = NETS.map((name) => {
    const row = document.createElement('tr');
    const head = document.createElement('th');
    head.scope = 'row';
    const swatch = document.createElement('i');
    swatch.className = `swatch ${name}`;
    head.append(swatch, ` ${NAMES[name]}`);
    const cells = EDGES.map(() => [document.createElement('b'), document.createElement('small')] as const);
    row.append(
      head,
      ...cells.map(([offset, spread]) => {
        const cell = document.createElement('td');
        cell.append(offset, ' ', spread);
        return cell;
      }),
    );
    body.append(row);
    return { name, row, cells };
  });
  return ({ label, object, truth, edges }, classes) => {
    caption.textContent = `Edges of object ${object + 1}, ${classes[label] ?? ''}: pixels from the truth ± spread of the distribution`;
    for (const { name, row, cells } of rows) {
      row.hidden = !edges[name];
      edges[name]?.forEach(({ mean, deviation }, edge) => {
        const [offset, spread] = cells[edge];
        offset.textContent = signed(mean - truth[edge]);
        spread.textContent = `± ${deviation.toFixed(1)}`;
      });
    }
  };
}

function signed(value: number): string {
  return `${value < 0 ? '−' : '+'}${Math.abs(value).toFixed(1)}`;
}
