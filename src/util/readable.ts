/**
 * What a terminal or a page must not get from somebody's name: control characters (Cc), which move cursors and colour
 * screens; bidirectional embeddings, overrides and isolates, which reorder what follows; separators that begin a line;
 * halves of characters, and what Unicode says is none (U+FFFF), which XML refuses.
 */
const UNREADABLE = /[\p{Cc}\u2028\u2029\u202a-\u202e\u2066-\u2069\p{Noncharacter_Code_Point}]|\p{Cs}/gu;
const REPLACEMENT = '\ufffd';
/** Unicode has a picture of each of the 32 first control characters, in their order, and one of DEL. */
const PICTURES = 0x2400;
const DEL = 0x7f;
const PICTURE_OF_DEL = '\u2421';

/**
 * A text that stays on its line and changes nothing but its own place, whoever made it: what cannot be shown becomes its
 * picture (␛ for ESC, ␊ for a line feed) or �.
 */
export function readable(text: string): string {
  return text.replace(UNREADABLE, (character) => {
    const code = character.charCodeAt(0);
    if (code === DEL) return PICTURE_OF_DEL;
    return code < 0x20 ? String.fromCharCode(PICTURES + code) : REPLACEMENT;
  });
}

/** The same for a text of several lines: its line feeds stay. */
export function readableLines(text: string): string {
  return text.split('\n').map(readable).join('\n');
}

/** A text of at most this many characters; a longer one ends with an ellipsis. Cuts no character in two. */
export function shortened(text: string, most: number): string {
  if (text.length <= most) return text;
  const characters = Array.from(text.slice(0, 2 * most + 2));
  return characters.length <= most ? text : `${characters.slice(0, most - 1).join('')}…`;
}
