/** Colour and cursor sequences, and taking such sequences out of text that others wrote. */

const CODES = { bold: 1, dim: 2, red: 31, green: 32, yellow: 33, blue: 34, magenta: 35, cyan: 36 } as const;

export type Style = keyof typeof CODES;

/** Text in a style; unchanged where there is no colour. */
export type Paint = (style: Style, text: string) => string;

export const plainPaint: Paint = (_style, text) => text;

export const colourPaint: Paint = (style, text) =>
  text === "" ? "" : `\u001b[${CODES[style]}m${text}\u001b[${CODES[style] <= 2 ? 22 : 39}m`;

export interface Surroundings {
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly isTty: boolean;
}

/** NO_COLOR (no-color.org) wins over FORCE_COLOR, which wins over what the output is. */
export function hasColour({ env, isTty }: Surroundings): boolean {
  if (env.NO_COLOR !== undefined && env.NO_COLOR !== "") return false;
  if (env.FORCE_COLOR !== undefined && env.FORCE_COLOR !== "") return env.FORCE_COLOR !== "0";
  return isTty && env.TERM !== "dumb";
}

/** Whether the screen may be redrawn in place. Not in CI, where a log is read afterwards. */
export function isLive({ env, isTty }: Surroundings): boolean {
  const isCi = env.CI !== undefined && env.CI !== "" && env.CI !== "false" && env.CI !== "0";
  return isTty && !isCi && env.TERM !== "dumb";
}

export const HIDE_CURSOR = "\u001b[?25l";
export const SHOW_CURSOR = "\u001b[?25h";
export const CLEAR_LINE = "\u001b[2K";
export const CLEAR_BELOW = "\u001b[0J";

export function cursorUp(lines: number): string {
  return lines === 0 ? "" : `\u001b[${lines}A`;
}

// Escape sequences (CSI, OSC up to its end, and two-character ones), then every other control character.
// oxlint-disable-next-line no-control-regex
const SEQUENCES = /\u001b\[[0-?]*[ -/]*[@-~]|\u001b\][^\u0007\u001b]*(?:\u0007|\u001b\\)|\u001b[@-Z\\-_]/g;
// Bidirectional overrides can make text read as something else than it is.
// oxlint-disable-next-line no-control-regex
const CONTROLS = /[\u0000-\u0008\u000b-\u001f\u007f-\u009f\u202a-\u202e\u2066-\u2069]/g;

/** One line of text that cannot move the cursor or change colours, whatever a title or an output held. */
export function safeLine(text: string): string {
  return safeText(text).replaceAll(/\s*[\n\t]\s*/g, " ");
}

/** As `safeLine`, keeping its lines and tabs. */
export function safeText(text: string): string {
  return text.replaceAll("\r\n", "\n").replaceAll(SEQUENCES, "").replaceAll(CONTROLS, "");
}
