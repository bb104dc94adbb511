/** What is wrong with a configuration file, and where. */

import { PerdureError } from "../base/errors.ts";

/** Keys and list indexes from the top: `["agents", 1, "name"]`. */
export type SettingPath = readonly (string | number)[];

export interface Problem {
  /** Both 1-based. */
  readonly line: number;
  readonly column: number;
  readonly message: string;
}

/** More are not listed: after the first few, one mistake mends many. */
const MAX_PROBLEMS = 20;

/** As people write it: `agents[1].name`. */
export function pathText(path: SettingPath): string {
  return path.map((part, i) => (typeof part === "number" ? `[${part}]` : i === 0 ? part : `.${part}`)).join("");
}

/** One line per problem, in the order of the file, one per place: `perdure.yaml:3:5: unknown key …`. */
export function invalidConfig(file: string, problems: readonly Problem[]): PerdureError {
  const byPlace = new Map<string, Problem>();
  for (const problem of problems.toSorted((a, b) => a.line - b.line || a.column - b.column)) {
    const place = `${file}:${problem.line}:${problem.column}`;
    if (!byPlace.has(place)) byPlace.set(place, problem);
  }
  const listed = [...byPlace].slice(0, MAX_PROBLEMS);
  const lines = listed.map(([place, { message }]) => `${place}: ${message}`);
  if (byPlace.size > listed.length) lines.push(`… and ${byPlace.size - listed.length} more`);
  return new PerdureError("invalid-config", {
    message: lines.join("\n"),
    hint: "`perdure init` in an empty directory writes a file with every setting explained.",
    details: { file, problems: listed.map(([, problem]) => problem) },
  });
}
