/** The function that checks a value by a JSON schema, with all errors; see scripts/jsonSchema.js. */
declare module '*.jsonschema' {
  const validate: import('ajv').ValidateFunction;
  export default validate;
}
