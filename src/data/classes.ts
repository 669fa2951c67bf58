import { few } from '../util/counts.js';
import { InputError } from '../util/error.js';

/** Names that a message shows of each list, and of those that only one has. */
const SHOWN = 8;

/** Whose classes they are, and the classes, or only their number. */
export interface ClassList {
  /** For a message: `the detector`, `DATA, val`. */
  owner: string;
  classes: readonly { name: string }[] | number;
}

/**
 * A class is a position in a list: the lists of two splits, or of data and detector, must have the same names in the same order.
 * @param remedy what to do where they have not
 * @throws {InputError} that shows both and where they differ
 */
export function assertSameClasses(one: ClassList, other: ClassList, remedy: string): void {
  const [own, others] = [namesOf(one), namesOf(other)];
  const isSame =
    own && others
      ? own.length === others.length && own.every((name, i) => name === others[i])
      : count(one) === count(other);
  if (isSame) return;
  const difference = own && others ? `: ${describe(one.owner, own, other.owner, others)}` : '';
  throw new InputError(
    `classes: ${one.owner} has ${list(one)}, ${other.owner} ${list(other)}${difference}. A class is a position in this list. ${remedy}`,
  );
}

/** In one Unicode form: two programs may write the same name in different ones. */
function namesOf({ classes }: ClassList): string[] | null {
  return typeof classes === 'number' ? null : classes.map(({ name }) => name.normalize('NFC'));
}

function count({ classes }: ClassList): number {
  return typeof classes === 'number' ? classes : classes.length;
}

function list(of: ClassList): string {
  const names = namesOf(of);
  return names ? `${names.length} (${few(names, SHOWN)})` : String(count(of));
}

function describe(owner: string, own: readonly string[], other: string, others: readonly string[]): string {
  const only = (who: string, names: readonly string[], rest: readonly string[]) => {
    const missing = names.filter((name) => !rest.includes(name));
    return missing.length > 0 ? [`only ${who} has ${few(missing, SHOWN)}`] : [];
  };
  const differences = [...only(owner, own, others), ...only(other, others, own)];
  if (differences.length > 0) return differences.join(', ');
  const first = own.findIndex((name, i) => name !== others[i]);
  return `the same names in another order, from position ${first + 1} on`;
}
