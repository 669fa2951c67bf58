import { numbers } from '../util/argument.js';
import { InputError } from '../util/error.js';
import type { HeadShape } from './headSetting.js';
import { FAULT_SOURCES, TERM_NAMES } from './headTerms.js';

/** `HeadLoss.faultOf`. */
export function faultOf(setting: HeadShape, terms: ArrayLike<number>, faults: ArrayLike<number>): string | null {
  numbers('terms', terms);
  numbers('faults', faults);
  const levels = setting.grid.levels.length;
  for (const [name, values] of Object.entries({ terms, faults })) {
    if (values.length === TERM_NAMES.length * levels) continue;
    throw new InputError(`${name}: ${values.length} values; expected ${TERM_NAMES.length} × ${levels} levels.`);
  }
  for (const [index, name] of TERM_NAMES.entries()) {
    for (let level = 0; level < levels; level++) {
      const at = index * levels + level;
      if (faults[at] === 0 && Number.isFinite(terms[at])) continue;
      return (
        `${name} is not finite at ${placeOf(setting, level, faults[at])}: ${FAULT_SOURCES[name]} hold NaN or infinity there. ` +
        'A lower learning rate, warm-up or gradient clipping keeps training finite.'
      );
    }
  }
  return null;
}

/** @param fault ~location: 0 is none, the greatest is the first location */
function placeOf({ grid, batch }: HeadShape, level: number, fault: number): string {
  const place = `level ${level} (stride ${grid.strides[level]})`;
  if (fault === 0) return place;
  const { height, width } = grid.levels[level];
  const before = grid.areas.slice(0, level).reduce((sum, area) => sum + area, 0);
  const index = (~fault >>> 0) - batch * before;
  const cell = index % (height * width);
  const image = Math.floor(index / (height * width));
  return `${place}, image ${image}, row ${Math.floor(cell / width)}, column ${cell % width}`;
}
