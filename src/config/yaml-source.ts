/** A parsed YAML file that still knows where each setting stands. */

import { isAlias, isMap, isScalar, isSeq, LineCounter, parseDocument, visit, type Document, type Pair } from "yaml";
import { messageOf } from "../base/errors.ts";
import type { Problem, SettingPath } from "./problem.ts";

export interface YamlSource {
  readonly document: Document.Parsed;
  /** The problem `message` at a setting, or at the innermost one that is there. */
  problemAt(path: SettingPath, message: string): Problem;
  /** The problem `message` at an offset in the text. */
  problemAtOffset(offset: number, message: string): Problem;
}

/** The source, and what is wrong with it as YAML; with problems, the document must not be read. */
export function parseYaml(text: string): { readonly source: YamlSource; readonly problems: readonly Problem[] } {
  const lineCounter = new LineCounter();
  // Its warnings are in the document, and must not reach the process.
  const document = parseDocument(text, { lineCounter, prettyErrors: false, logLevel: "error" });
  const problemAtOffset = (offset: number, message: string): Problem => {
    const { line, col } = lineCounter.linePos(offset);
    return { line: Math.max(1, line), column: Math.max(1, col), message };
  };
  const source: YamlSource = {
    document,
    problemAtOffset,
    problemAt: (path, message) => problemAtOffset(offsetOf(document, path), message),
  };
  const problems = [...document.errors, ...document.warnings].map(({ code, pos: [offset], message }) =>
    problemAtOffset(offset, wordsFor(code, message, text.slice(offset))),
  );
  visit(document, {
    Alias(_, alias) {
      if (!alias.resolve(document))
        problems.push(problemAtOffset(alias.range?.[0] ?? 0, `no anchor &${alias.source} stands before this`));
    },
  });
  return { source, problems };
}

/** The document as plain data, or the problem that keeps it from being read, such as aliases that multiply beyond bounds. */
export function readDocument({
  document,
  problemAtOffset,
}: YamlSource): { readonly data: unknown } | { readonly problem: Problem } {
  try {
    return { data: document.toJS() };
  } catch (error) {
    return { problem: problemAtOffset(0, messageOf(error)) };
  }
}

/** The value of a node, past its aliases. */
export function resolved(node: unknown, document: Document.Parsed): unknown {
  return isAlias(node) ? node.resolve(document) : node;
}

export function keyText(pair: Pair): string {
  return isScalar(pair.key) ? String(pair.key.value) : String(pair.key);
}

/** Where a node begins; `null` for one that does not say. */
export function startOf(node: unknown): number | null {
  const range = typeof node === "object" && node !== null && "range" in node ? node.range : null;
  return Array.isArray(range) && typeof range[0] === "number" ? range[0] : null;
}

function offsetOf(document: Document.Parsed, path: SettingPath): number {
  let node: unknown = document.contents;
  let offset = startOf(node) ?? 0;
  for (const part of path) {
    const parent = resolved(node, document);
    const pair = isMap(parent) ? parent.items.find((item) => keyText(item) === part) : null;
    node = isSeq(parent) && typeof part === "number" ? parent.items[part] : pair?.value;
    offset = startOf(node) ?? startOf(pair?.key) ?? offset;
    if (node === undefined || node === null) return offset;
  }
  return offset;
}

function wordsFor(code: string, message: string, rest: string): string {
  const word = /^[^\s:,}\]]+/.exec(rest)?.[0] ?? "";
  if (code === "DUPLICATE_KEY") return `the key ${word} is given twice`;
  if (code === "MULTIPLE_DOCS") return "a second document begins here; the configuration is a single one";
  return message.split("\n")[0] ?? message;
}
