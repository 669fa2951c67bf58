/** A WGSL module with its includes expanded, in parts that kernels share; see scripts/wgsl.js. */
declare module '*.wgsl' {
  const source: readonly string[];
  export default source;
}
