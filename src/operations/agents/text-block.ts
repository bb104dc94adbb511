/** A block of lines of our own at the end of a text file, between two comments that mark it. */

import { PerdureError } from "../../base/errors.ts";
import type { SettingsFile } from "./settings-file.ts";

const BEGIN = "# perdure: begin (written by `perdure init --agents`; `--undo` takes it out)";
const BEGIN_MARK = "# perdure: begin";
const END = "# perdure: end";

export interface TextBlock {
  readonly path: string;
  readonly lines: readonly string[];
  /** A line that, where it stands outside of our block already, must not be said a second time. */
  readonly taken: RegExp;
}

export function textBlock({ path, lines, taken }: TextBlock): SettingsFile {
  const block = [BEGIN, ...lines, END].join("\n");
  return {
    path,
    add(text) {
      if (text === null || text.trim() === "") return `${block}\n`;
      if (text.includes(BEGIN_MARK)) return text;
      if (taken.test(text)) {
        throw new PerdureError("conflict", {
          message: `${path} has settings for Perdure already`,
          hint: "Take them out, then run `perdure init --agents` again; nothing was changed.",
          details: { path },
        });
      }
      return `${text}${text.endsWith("\n") ? "" : "\n"}\n${block}\n`;
    },
    remove(text) {
      const from = text.indexOf(BEGIN_MARK);
      const to = text.indexOf(END, from);
      if (from === -1 || to === -1) return text;
      // With the empty line before it.
      const before = text.slice(0, from).replace(/\n\n$/, "\n");
      const left = before + text.slice(to + END.length).replace(/^\n/, "");
      return left.trim() === "" ? null : left;
    },
  };
}
