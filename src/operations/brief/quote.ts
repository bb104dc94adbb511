/**
 * Text that others wrote, as one line of a brief: a JSON string, in which nothing can end the line, move a cursor, turn the
 * direction of reading or be taken for the brief's own words. Read back with `JSON.parse`.
 */

// What JSON leaves as it is: DEL and C1 controls, invisible and direction-changing characters, line separators.
// oxlint-disable-next-line no-control-regex
const UNSAFE = /[\u007f-\u009f\u00ad\u061c\u200b-\u200f\u2028-\u202e\u2060-\u206f\ufeff\ufff9-\ufffb]/g;
/** Marks a text of which only the beginning is shown; stands after the closing quote. */
export const CUT = "…";

export function quote(text: string, maxChars: number): string {
  const shown = beginning(text, maxChars);
  const quoted = JSON.stringify(shown).replaceAll(UNSAFE, escaped);
  return shown === text ? quoted : quoted + CUT;
}

function escaped(character: string): string {
  return String.raw`\u${character.charCodeAt(0).toString(16).padStart(4, "0")}`;
}

/** Whole code points. */
function beginning(text: string, maxChars: number): string {
  if (text.length <= maxChars) return text;
  const last = text.charCodeAt(maxChars - 1);
  return text.slice(0, last >= 0xd8_00 && last <= 0xdb_ff ? maxChars - 1 : maxChars);
}
