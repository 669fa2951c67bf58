const OPERATOR = /[-+*/%&|^~<>=!]/;
const WORD = /\w/;

/**
 * WGSL without comments, indentation and spaces that keep no two tokens apart. Names and lines stay, so errors can be read.
 * @param {string} source
 * @returns {string}
 */
export function minifyWgsl(source) {
  if (source.includes('/*')) throw new Error('WGSL: use // comments only, block comments are not minified');
  // Two words, or two operators (`- -x` is no `--x`), stay apart.
  const apart = (/** @type {RegExp} */ kind, /** @type {string[]} */ ...sides) =>
    sides.every((side) => kind.test(side));
  return source
    .split('\n')
    .map((line) => line.replace(/\/\/.*$/, '').trim())
    .map((line) =>
      line.replace(/(\S)\s+(?=(\S))/g, (_, before, after) =>
        apart(WORD, before, after) || apart(OPERATOR, before, after) ? `${before} ` : before,
      ),
    )
    .filter((line) => line !== '')
    .join('\n');
}
