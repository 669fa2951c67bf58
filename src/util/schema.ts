import { brief } from './brief.js';
import { InputError } from './error.js';
import { shortened } from './readable.js';

/** What Ajv says of one fault. */
interface Fault {
  /** `/methods/0/name` */
  instancePath: string;
  schemaPath: string;
  keyword: string;
  params: Record<string, unknown>;
  message?: string;
}

/** The function that checks a value by a JSON schema, with all faults; see scripts/jsonSchema.js. */
export interface Schema {
  (value: unknown): boolean;
  errors?: Fault[] | null;
  /** The fields that each object may have which may have no others, by the schema's path of that rule. */
  fields: Record<string, readonly string[]>;
}

/** Faults that a message names. */
const MAX_FAULTS = 5;
const MAX_NAME = 60;

/**
 * Everything that is wrong with a value, field by field, as a message says it; null for nothing.
 * @param whole what the value is, such as "a recipe"
 */
export function faultsIn(value: unknown, schema: Schema, whole: string): string | null {
  if (schema(value)) return null;
  // `if` only says that one of its branches failed.
  const faults = (schema.errors ?? []).filter(({ keyword }) => keyword !== 'if');
  const told = faults.slice(0, MAX_FAULTS).map((fault) => describe(fault, value, schema, whole));
  if (faults.length > told.length) told.push(`and ${faults.length - told.length} more faults`);
  return told.join('; ');
}

/**
 * What a file holds, checked.
 * @param about `file`: its path; `whole`: what it should hold, such as "a plan"; `remedy`: what to do otherwise
 * @throws InputError that names the file, every fault and the remedy
 */
export function checked<T>(
  value: unknown,
  schema: Schema,
  { file, whole, remedy }: { file: string; whole: string; remedy: string },
): T {
  const faults = faultsIn(value, schema, whole);
  if (faults !== null) throw new InputError(`${file}: ${faults}; ${remedy}.`);
  return value as T;
}

function describe(
  { instancePath, schemaPath, keyword, params, message }: Fault,
  value: unknown,
  schema: Schema,
  whole: string,
) {
  const keys = instancePath.split('/').slice(1).map(decoded);
  const path = shortened(keys.join('.'), MAX_NAME);
  const field = (name: unknown) => [path, shortened(String(name), MAX_NAME)].filter(Boolean).join('.');
  if (keyword === 'additionalProperties') {
    const known = (schema.fields[schemaPath] ?? []).join(', ');
    return `unknown field ${field(params.additionalProperty)} (${path || whole} has ${known})`;
  }
  if (keyword === 'required') return `${field(params.missingProperty)} is missing`;
  const found = keys.reduce<unknown>((part, key) => (part as Record<string, unknown>)[key], value);
  const allowed = keyword === 'enum' ? ` ${(params.allowedValues as unknown[]).join(', ')}` : '';
  return `${path || whole} is ${brief(found)}; it ${message}${allowed}`;
}

/** A key of a JSON pointer. */
function decoded(key: string): string {
  return key.replaceAll('~1', '/').replaceAll('~0', '~');
}
