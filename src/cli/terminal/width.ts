/** How many columns text takes on a terminal, and cutting and padding to a number of columns. */

// oxlint-disable-next-line no-control-regex
const ONE_COLUMN_EACH = /^[\u0020-\u007e\u00a0-\u02ff…█░▏▎▍▌▋▊▉─│├└✓✗·⠀-⣿]*$/u;
// oxlint-disable-next-line no-control-regex
const PAINT = /\u001b\[\d+m/g;

/** Colour takes no columns. */
export function displayWidth(text: string): number {
  const bare = text.includes("\u001b") ? text.replaceAll(PAINT, "") : text;
  if (ONE_COLUMN_EACH.test(bare)) return bare.length;
  let width = 0;
  for (const { segment } of graphemes(bare)) width += graphemeWidth(segment);
  return width;
}

/** At most `columns` wide; an ellipsis tells that something was cut off. For text without colour. */
export function truncate(text: string, columns: number): string {
  if (displayWidth(text) <= columns) return text;
  if (columns <= 0) return "";
  let width = 0;
  let kept = "";
  for (const { segment } of graphemes(text)) {
    width += graphemeWidth(segment);
    if (width > columns - 1) break;
    kept += segment;
  }
  return `${kept}…`;
}

export function padEnd(text: string, columns: number): string {
  return text + " ".repeat(Math.max(0, columns - displayWidth(text)));
}

export function padStart(text: string, columns: number): string {
  return " ".repeat(Math.max(0, columns - displayWidth(text))) + text;
}

let segmenter: Intl.Segmenter | null = null;

function graphemes(text: string): Iterable<{ readonly segment: string }> {
  segmenter ??= new Intl.Segmenter();
  return segmenter.segment(text);
}

/** Marks and joiners count with the character they stand on. */
function graphemeWidth(grapheme: string): number {
  const first = grapheme.codePointAt(0) ?? 0;
  if (/^[\p{M}\p{Cf}\p{Cc}]/u.test(grapheme)) return 0;
  if (/\p{Emoji_Presentation}|\ufe0f/u.test(grapheme)) return 2;
  return WIDE.some(([from, to]) => first >= from && first <= to) ? 2 : 1;
}

/** Blocks whose characters are all wide or fullwidth, after Unicode Standard Annex #11 (EastAsianWidth.txt, 16.0). */
const WIDE: readonly (readonly [from: number, to: number])[] = [
  [0x11_00, 0x11_5f],
  [0x2e_80, 0x30_3e],
  [0x30_41, 0x33_ff],
  [0x34_00, 0x4d_bf],
  [0x4e_00, 0x9f_ff],
  [0xa0_00, 0xa4_cf],
  [0xa9_60, 0xa9_7f],
  [0xac_00, 0xd7_a3],
  [0xf9_00, 0xfa_ff],
  [0xfe_30, 0xfe_6f],
  [0xff_00, 0xff_60],
  [0xff_e0, 0xff_e6],
  [0x1_b0_00, 0x1_b2_ff],
  [0x2_00_00, 0x3_ff_fd],
];
