/** Splits Markdown into lines and tells which are prose, which are code in a fence and what stands in HTML comments. */

export interface MarkdownComment {
  /** Between `<!--` and `-->`, over several lines perhaps. */
  readonly text: string;
  /** Of the first character of `text`. */
  readonly line: number;
  readonly column: number;
}

export interface MarkdownLine {
  /** From 1. */
  readonly number: number;
  /** Of its first character in the text. */
  readonly offset: number;
  /** As written, without its line ending. */
  readonly text: string;
  readonly kind: "prose" | "fence-open" | "fence-body" | "fence-close" | "front-matter";
  /** The text with comments blanked out, character for character. */
  readonly visible: string;
  /** Those that begin on this line. */
  readonly comments: readonly MarkdownComment[];
}

const FENCE_OPEN = /^[\s>]*(?:(?:[-*+]|\d{1,9}[.)])\s+)*(`{3,}(?=[^`]*$)|~{3,})/;
const COMMENT_OPEN = "<!--";
const COMMENT_CLOSE = "-->";

interface RawLine {
  readonly number: number;
  readonly offset: number;
  readonly text: string;
}

export function markdownLines(text: string): readonly MarkdownLine[] {
  const raw = splitLines(text);
  const frontMatterEnd = frontMatterLineCount(raw);
  const lastClose = text.lastIndexOf(COMMENT_CLOSE);
  const lines: MarkdownLine[] = [];
  let fence: string | null = null;
  let openComment: { readonly line: number; readonly column: number; text: string } | null = null;

  for (const line of raw) {
    if (line.number <= frontMatterEnd) {
      lines.push({ ...line, kind: "front-matter", visible: "", comments: [] });
    } else if (fence !== null) {
      const closes = closesFence(line.text, fence);
      lines.push({ ...line, kind: closes ? "fence-close" : "fence-body", visible: line.text, comments: [] });
      if (closes) fence = null;
    } else if (openComment === null && FENCE_OPEN.test(line.text)) {
      fence = FENCE_OPEN.exec(line.text)?.[1] ?? "```";
      lines.push({ ...line, kind: "fence-open", visible: line.text, comments: [] });
    } else {
      lines.push({ ...line, kind: "prose", ...scanComments(line) });
    }
  }
  return lines;

  /** Finds the comments of a prose line; one that stays open goes on in the next. */
  function scanComments(line: RawLine): { readonly visible: string; readonly comments: readonly MarkdownComment[] } {
    const comments: MarkdownComment[] = [];
    let visible = "";
    let at = 0;
    while (at < line.text.length || openComment !== null) {
      if (openComment !== null) {
        const close = line.text.indexOf(COMMENT_CLOSE, at);
        if (close < 0) {
          openComment.text += `${line.text.slice(at)}\n`;
          return { visible: visible + " ".repeat(line.text.length - at), comments };
        }
        const comment: MarkdownComment = { ...openComment, text: openComment.text + line.text.slice(at, close) };
        if (comment.line === line.number) comments.push(comment);
        else addToEarlierLine(comment);
        openComment = null;
        visible += " ".repeat(close + COMMENT_CLOSE.length - at);
        at = close + COMMENT_CLOSE.length;
        continue;
      }
      const next = nextCommentStart(line.text, at);
      const isComment =
        next >= 0 && (lastClose >= line.offset + next + COMMENT_OPEN.length || line.text.slice(0, next).trim() === "");
      if (!isComment) return { visible: visible + line.text.slice(at), comments };
      visible += line.text.slice(at, next) + " ".repeat(COMMENT_OPEN.length);
      at = next + COMMENT_OPEN.length;
      openComment = { line: line.number, column: at + 1, text: "" };
    }
    return { visible, comments };
  }

  function addToEarlierLine(comment: MarkdownComment): void {
    const index = comment.line - 1;
    const earlier = lines[index];
    if (earlier !== undefined) lines[index] = { ...earlier, comments: [...earlier.comments, comment] };
  }
}

/** Text with the insides of code spans blanked out, so that nothing in them is taken for a mark. */
export function withoutCodeSpans(text: string): string {
  return text.replaceAll(/(?<!`)(`+)(?!`)(.*?[^`])\1(?!`)/g, (span) => "\u0001".repeat(span.length));
}

/** In longer lines code spans are not looked for. */
const MAX_CODE_SPAN_LINE_CHARS = 10_000;

function nextCommentStart(text: string, from: number): number {
  const start = text.indexOf(COMMENT_OPEN, from);
  return start < 0 || !text.includes("`") || text.length > MAX_CODE_SPAN_LINE_CHARS
    ? start
    : withoutCodeSpans(text).indexOf(COMMENT_OPEN, from);
}

function splitLines(text: string): readonly RawLine[] {
  const lines: RawLine[] = [];
  let offset = 0;
  for (const { index, 0: ending } of text.matchAll(/\r\n|\n|\r/g)) {
    lines.push({ number: lines.length + 1, offset, text: text.slice(offset, index) });
    offset = index + ending.length;
  }
  if (offset < text.length) lines.push({ number: lines.length + 1, offset, text: text.slice(offset) });
  return lines;
}

/** Lines of a YAML front matter, its `---` included; 0 when there is none. */
export function frontMatterLineCount(lines: readonly { readonly text: string }[]): number {
  if (lines[0]?.text.trimEnd() !== "---") return 0;
  const end = lines.findIndex((line, index) => index > 0 && /^(?:---|\.\.\.)\s*$/.test(line.text));
  return end + 1;
}

function closesFence(text: string, fence: string): boolean {
  const closing = /^[\s>]*(`{3,}|~{3,})\s*$/.exec(text)?.[1];
  return closing !== undefined && closing[0] === fence[0] && closing.length >= fence.length;
}
