/** Facts on a terminal. */

import type { FactJson } from "../../operations/json/fact.ts";
import type { View } from "../output.ts";
import type { Style } from "../terminal/ansi.ts";
import { safeLine } from "../terminal/ansi.ts";
import { shortId } from "./names.ts";

const STYLES: Readonly<Record<FactJson["status"], Style>> = {
  active: "green",
  questioned: "yellow",
  superseded: "dim",
  retired: "dim",
};

/** `3f2a91c0  decision  We use SQLite`, with its status unless it holds. */
export function factLine({ id, kind, text, status, statusNote }: FactJson, { paint }: View): string {
  const mark = status === "active" ? "" : `  ${paint(STYLES[status], statusWords({ status, statusNote }))}`;
  return `${paint("bold", shortId(id))}  ${kind}  ${safeLine(text)}${mark}`;
}

export function paintFactStatus(text: string, status: FactJson["status"], { paint }: View): string {
  return paint(STYLES[status], text);
}

function statusWords({ status, statusNote }: Pick<FactJson, "status" | "statusNote">): string {
  return statusNote === null ? status : `${status}: ${safeLine(statusNote)}`;
}

/** What the fall of a fact has put in question, a line each. */
export function questionedLines(
  { questioned, questionedCount }: { readonly questioned: readonly FactJson[]; readonly questionedCount: number },
  view: View,
): readonly string[] {
  if (questionedCount === 0) return [];
  const rest = questionedCount - questioned.length;
  return [
    `In question because of it (\`perdure facts confirm FACT\` for what still holds):`,
    ...questioned.map((fact) => `  ${factLine({ ...fact, status: "active" }, view)}`),
    ...(rest > 0 ? [`  … and ${rest} more`] : []),
  ];
}
