import fc from 'fast-check';

/** What a name may not bring to a terminal or a page. */
export const HARMFUL = /[\p{Cc}\u2028-\u202e\u2066-\u2069]|\p{Cs}/u;

const TROUBLE = ['\u001b[31m', '\0', '\n', '\r\n', '\u009b', '\u202e', '\ud800', '\udc00', '\uffff'];
const MARKUP = [
  '<script>',
  '</title>',
  '</style>',
  '<!--',
  ']]>',
  '"><img src=x>',
  "' onload='x",
  '&amp;',
  'var(--ink)',
];
const OWN = ['|', '](x)', '`', '**', '\\', '{value}', '${', '%s', '__proto__', 'constructor', '🦀', '細胞', 'é'];

/** fc.string takes seconds to make where all characters are wanted. */
const text = fc
  .array(fc.integer({ min: 0, max: 0x10ffff }), { maxLength: 10 })
  .map((codes) => String.fromCodePoint(...codes));

/** Any name that somebody may give: every character, halves of some, and pieces that mean something to terminals, pages and tables. */
export const anyName = fc
  .array(fc.oneof(text, fc.constantFrom(...TROUBLE, ...MARKUP, ...OWN)), { maxLength: 5 })
  .map((pieces) => pieces.join(''));
