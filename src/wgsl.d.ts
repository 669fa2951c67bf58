/** A WGSL module with its includes expanded; see scripts/wgsl.js. */
declare module '*.wgsl' {
  const source: string;
  export default source;
}
