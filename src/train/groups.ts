import type { ParameterStore } from '../autograd/parameters.js';
import { InputError } from '../util/error.js';

/** Another learning rate for some of the parameters. */
export interface GroupRate {
  /** A pattern of their names: `*` stands for any characters, `?` for one. */
  parameters: string;
  /** Of the learning rate, above 0; weight decay goes with it. */
  factor: number;
}

/** What treats some parameters in another way. */
export interface GroupSettings {
  /** Patterns as in `GroupRate`: these parameters do not change, and no gradient is computed for them. */
  freeze: readonly string[];
  /** The last that matches a parameter counts. */
  learningRates: readonly GroupRate[];
}

const NAMES_SHOWN = 4;

/**
 * Freezes what is to be frozen.
 * @returns factors of the learning rates, by name; 1 for the others
 * @throws InputError for a pattern that matches no parameter, with similar names, or where nothing is left to learn
 */
export function applyGroups(
  parameters: ParameterStore,
  { freeze, learningRates }: GroupSettings,
): ReadonlyMap<string, number> {
  const { names } = parameters;
  const frozen = new Set(freeze.flatMap((pattern) => matching('freeze', pattern, names)));
  if (frozen.size === names.length && frozen.size > 0) {
    throw new InputError(`freeze: ${freeze.join(', ')} match all ${names.length} parameters, so that nothing learns.`);
  }
  parameters.freeze(frozen);
  const rates = learningRates.flatMap(({ parameters: pattern, factor }) =>
    matching('learningRates', pattern, names).map((name) => [name, factor] as const),
  );
  return new Map(rates);
}

function matching(field: keyof GroupSettings, pattern: string, names: readonly string[]): string[] {
  const source = pattern
    .replace(/[.+^${}()|[\]\\]/g, '\\$&')
    .replaceAll('*', '[^]*')
    .replaceAll('?', '[^]');
  const matches = new RegExp(`^${source}$`);
  const found = names.filter((name) => matches.test(name));
  if (found.length > 0) return found;
  const more = names.length > NAMES_SHOWN ? ` and ${names.length - NAMES_SHOWN} more` : '';
  throw new InputError(
    `${field}: no parameter matches ${pattern}; there are ${nearest(pattern, names).join(', ')}${more}. * stands for any characters.`,
  );
}

/** The names that share most of the pattern's beginning, in their order. */
function nearest(pattern: string, names: readonly string[]): string[] {
  const shared = (name: string) => {
    let length = 0;
    while (length < pattern.length && pattern[length] === name[length]) length++;
    return length;
  };
  return [...names].sort((a, b) => shared(b) - shared(a)).slice(0, NAMES_SHOWN);
}
