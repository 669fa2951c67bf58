/** The function that checks a value by a JSON schema, X.jsonschema or X.schema.ts, with all faults; see scripts/jsonSchema.js. */
declare module '*.jsonschema' {
  const schema: import('./util/schema.js').Schema;
  export default schema;
}
