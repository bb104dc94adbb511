/**
 * The text of facts: when two texts say the same, and the one line a fact is recalled as. Both are here because a model
 * that recalled a line may hand it back to be remembered, and must then be understood to say nothing new.
 */

import type { Fact } from "./fact.ts";
import { FACT_KINDS } from "./fact.ts";

/** Around words, where they change no meaning. Not `-`, `#`, `<` and their like: -5 is not 5, C# is not C. */
const BEFORE_WORD = /^["'“”‘’«([{*_`¿¡]+/u;
const AFTER_WORD = /["'“”‘’»)\]}*_`.,;:!?…。、！？]+$/u;
const ONLY_MARKS = /^[-–—•*·]+$/u;

/** Equal for texts that differ only in case, white space, or punctuation around words. Never empty for a text that is not. */
export function normalizedText(text: string): string {
  const words = text
    .normalize("NFKC")
    .toLowerCase()
    .split(/\s+/u)
    .map((word) => word.replace(BEFORE_WORD, "").replace(AFTER_WORD, ""))
    .filter((word) => word !== "" && !ONLY_MARKS.test(word));
  return words.length > 0 ? words.join(" ") : text.trim();
}

const SHORT_ID_CHARS = 8;

/** `- [decision] We use SQLite. (source: person; 3f2a91c0)`: a fact where facts are recalled. One line, whatever it holds. */
export function factLine(fact: Pick<Fact, "id" | "kind" | "text" | "source" | "status" | "statusNote">): string {
  const mark =
    fact.status === "active" ? "" : `, ${fact.status}${fact.statusNote === null ? "" : `: ${fact.statusNote}`}`;
  const start = `- [${fact.kind}${oneLine(mark).replaceAll("]", ")")}] `;
  return `${start}${oneLine(fact.text)} (source: ${oneLine(fact.source)}; ${fact.id.slice(0, SHORT_ID_CHARS)})`;
}

export function oneLine(text: string): string {
  return text.replaceAll(/\s+/gu, " ").trimEnd();
}

const LIST_MARK = /^\s*(?:[-*•–—]|\d{1,4}[.)])\s+/u;
const KIND_MARK = new RegExp(`^\\[(?:${FACT_KINDS.join("|")})(?:,[^\\]]*)?\\]\\s*`, "iu");
const SOURCE_MARK = /\s*\(source: .*; [0-9a-f]{8}[0-9a-f-]{0,28}\)[.\s]*$/isu;
const FRAME =
  /^(?:(?:please )?(?:note|remember|recall|keep in mind) that\s+|(?:recalled|known|noted|fact|facts|note|remember|as recalled|as noted|according to (?:the )?(?:facts|memory))\s*[:,]\s+)/iu;

/** What a model puts above lines it recalled. */
const HEADING = /^[\s#*]*(?:known |recalled |relevant )?facts?[\s*]*:?[\s*]*$/iu;

/** The text without what recalling it may have put around it: list marks, kind, source and id, "remember that". */
function withoutFrame(line: string): string {
  let text = line.trim();
  for (;;) {
    const bare = text.replace(LIST_MARK, "").replace(KIND_MARK, "").replace(SOURCE_MARK, "").replace(FRAME, "").trim();
    if (bare === text || bare === "") return text;
    text = bare;
  }
}

/**
 * The normalized texts that a text may be an echo of: itself, itself without the frame of a recalled line, and, for
 * several lines, each of them. The text says nothing new if a fact says the first or the second, or facts say all the lines.
 */
export function echoesOf(text: string): { readonly whole: readonly string[]; readonly lines: readonly string[] } {
  const lines = text.split(/\r?\n/u).filter((line) => line.trim() !== "" && !HEADING.test(line));
  const whole = [...new Set([normalizedText(text), normalizedText(withoutFrame(text))])];
  const parts = lines.map((line) => normalizedText(withoutFrame(line)));
  return { whole, lines: lines.length > 1 ? [...new Set(parts)] : [] };
}

/** What a fact's text is kept as: without the frame of a recalled line, since its kind and source are columns. */
export function factTextOf(text: string): string {
  const bare = withoutFrame(text);
  return LIST_MARK.test(text) || KIND_MARK.test(text.trim()) || SOURCE_MARK.test(text) ? bare : text.trim();
}
