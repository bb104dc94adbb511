/** Entries in JSON settings, put in and taken out without touching comments, order or layout of the rest. */

import type { FormattingOptions, JSONPath, ParseError } from "jsonc-parser";
import { applyEdits, modify, parse } from "jsonc-parser";

import { PerdureError } from "../../base/errors.ts";
import type { Json } from "../../base/json.ts";
import { isJsonObject } from "../../base/json.ts";
import type { SettingsFile } from "./settings-file.ts";

export type JsonEntry =
  /** A key, unless somebody has set it already. */
  | { readonly kind: "key"; readonly at: readonly string[]; readonly value: Json }
  /** An item of a list, unless one with `mark` in it is there. */
  | { readonly kind: "item"; readonly at: readonly string[]; readonly value: Json; readonly mark: string };

export function jsonSettings(path: string, entries: readonly JsonEntry[]): SettingsFile {
  return {
    path,
    add(text) {
      const start = text === null || text.trim() === "" ? "{}\n" : text;
      parseSettings(path, start);
      return entries.reduce((current, entry) => addEntry(path, current, entry), start);
    },
    remove(text) {
      parseSettings(path, text);
      const left = entries.reduce((current, entry) => removeEntry(path, current, entry), text);
      return Object.keys(parseSettings(path, left)).length === 0 ? null : left;
    },
  };
}

function addEntry(path: string, text: string, entry: JsonEntry): string {
  const settings = parseSettings(path, text);
  const present = valueAt(settings, entry.at);
  if (entry.kind === "key") return present === undefined ? edit(text, entry.at, entry.value) : text;
  if (present === undefined) return edit(text, entry.at, [entry.value]);
  if (!Array.isArray(present)) {
    throw new PerdureError("invalid-config", {
      message: `${path}: ${entry.at.join(".")} is no list`,
      hint: "Correct it, then run `perdure init --agents` again; nothing was changed.",
    });
  }
  if (present.some((item) => isOurs(item, entry.mark))) return text;
  return edit(text, [...entry.at, present.length], entry.value, true);
}

function removeEntry(path: string, text: string, entry: JsonEntry): string {
  const present = valueAt(parseSettings(path, text), entry.at);
  if (present === undefined) return text;
  if (entry.kind === "key") {
    // What somebody changed since is theirs.
    const isAsWritten = JSON.stringify(present) === JSON.stringify(entry.value);
    return isAsWritten ? removeEmpty(path, edit(text, entry.at, undefined), entry.at.slice(0, -1)) : text;
  }
  const at = Array.isArray(present) ? present.findIndex((item) => isOurs(item, entry.mark)) : -1;
  return at === -1 ? text : removeEmpty(path, edit(text, [...entry.at, at], undefined), entry.at);
}

function isOurs(item: unknown, mark: string): boolean {
  return JSON.stringify(item)?.includes(mark) ?? false;
}

/** Takes away what has become empty on the way up. */
function removeEmpty(path: string, text: string, at: readonly string[]): string {
  if (at.length === 0) return text;
  const value = valueAt(parseSettings(path, text), at);
  const isEmpty = Array.isArray(value) ? value.length === 0 : isJsonObject(value) && Object.keys(value).length === 0;
  return isEmpty ? removeEmpty(path, edit(text, at, undefined), at.slice(0, -1)) : text;
}

function edit(text: string, at: JSONPath | readonly string[], value: unknown, isArrayInsertion = false): string {
  return applyEdits(text, modify(text, [...at], value, { formattingOptions: layoutOf(text), isArrayInsertion }));
}

function layoutOf(text: string): FormattingOptions {
  const indent = /^([ \t]+)\S/m.exec(text)?.[1] ?? "  ";
  return {
    insertSpaces: !indent.startsWith("\t"),
    tabSize: indent.startsWith("\t") ? 1 : indent.length,
    eol: text.includes("\r\n") ? "\r\n" : "\n",
  };
}

function valueAt(settings: unknown, at: readonly string[]): unknown {
  return at.reduce((value: unknown, key) => (isJsonObject(value) ? value[key] : undefined), settings);
}

function parseSettings(path: string, text: string): Readonly<Record<string, unknown>> {
  const errors: ParseError[] = [];
  const parsed: unknown = parse(text, errors, { allowTrailingComma: true, disallowComments: false });
  if (errors.length === 0 && isJsonObject(parsed)) return parsed;
  throw new PerdureError("invalid-config", {
    message: `${path} is no JSON object`,
    hint: "Correct it, then run `perdure init --agents` again; nothing was changed.",
    details: { path },
  });
}
