/** Help, rendered from the table of verbs. */

import { PerdureError } from "../base/errors.ts";
import { createOutput } from "./output.ts";
import type { ArgumentSpec, OptionSpec } from "./parse-arguments.ts";
import { GLOBAL_OPTIONS, parseArguments } from "./parse-arguments.ts";
import type { Verb } from "./verb.ts";
import type { VerbEntry } from "./verbs.ts";
import { findVerb, VERBS, verbsOf } from "./verbs.ts";

/** What `perdure`, `perdure --help`, `perdure --version` and `perdure help [VERB]` show. */
export async function showHelp(before: readonly string[], words: readonly string[]): Promise<number> {
  const output = createOutput({ isJson: false, isQuiet: false });
  if (before.some((word) => word === "--version" || word === "-V")) {
    const { packageVersion } = await import("../app/package-version.ts");
    if (before.includes("--json"))
      createOutput({ isJson: true, isQuiet: false }).printData({ version: packageVersion() });
    else output.print(packageVersion());
    return 0;
  }
  // Refuses options that nothing has.
  await parseArguments(
    { verb: "help", arguments: [{ name: "verb", help: "", isOptional: true, isRepeated: true }], options: [] },
    [...before, ...words],
  );
  const asked = words.filter((word) => !word.startsWith("-"));
  output.print(asked.length === 0 ? overview() : await helpOf(asked));
  return 0;
}

async function helpOf(words: readonly string[]): Promise<string> {
  const found = await findVerb(words);
  if (found.kind === "group") return groupHelp(found.group);
  const { entry } = found;
  if (entry.load === null)
    return `perdure ${entry.name}: ${entry.summary}\n\nThis comes with a later version of Perdure.`;
  return verbHelp(entry, await entry.load());
}

/** `perdure task` alone: its help when asked for, else a usage error that lists what it has. */
export async function showGroup(group: string, words: readonly string[]): Promise<number> {
  const args = await parseArguments({ verb: group, arguments: [], options: [] }, words);
  if (!args.flag("help")) {
    throw new PerdureError("usage", {
      message: `perdure ${group} needs to be told what to do: ${verbsOf(group)
        .map(({ name }) => name.slice(group.length + 1))
        .join(", ")}`,
      hint: `See \`perdure ${group} --help\`.`,
    });
  }
  createOutput({ isJson: false, isQuiet: false }).print(groupHelp(group));
  return 0;
}

function overview(): string {
  const now = VERBS.filter(({ load }) => load !== null);
  const groups = [...new Set(now.filter(({ name }) => name.includes(" ")).map(({ name }) => name.split(" ")[0] ?? ""))];
  const singles = now.filter(({ name }) => !name.includes(" "));
  const laterNames = VERBS.filter(({ load, name }) => load === null && !name.includes(" ")).map(({ name }) => name);
  return [
    "Perdure keeps AI agents going: tasks that continue exactly where they stopped.",
    "",
    "Usage: perdure <command> [arguments] [options]",
    "",
    "Commands:",
    ...pairs(singles.map(({ name, summary }) => [name, summary] as const)),
    "",
    ...pairs(
      groups.map(
        (group) =>
          [
            group,
            verbsOf(group)
              .filter(({ load }) => load !== null)
              .map(({ name }) => name.slice(group.length + 1))
              .join(", "),
          ] as const,
      ),
    ),
    "",
    "Options of every command:",
    ...optionLines(GLOBAL_OPTIONS),
    ...pairs([["-V, --version", "show the version"]]),
    "",
    "Exit codes: 0 done, 1 the work failed or is blocked, 2 bad usage or input, 3 not found, 4 conflict, 5 a limit,",
    "6 environment or version, 7 the store, 70 a bug in Perdure, 130 interrupted (`perdure resume` continues).",
    "",
    `Coming with later versions: ${laterNames.join(", ")}.`,
    "",
    "`perdure help COMMAND` tells more. Start with `perdure init`, or run a plan: `perdure run plan.yaml`.",
  ].join("\n");
}

export function groupHelp(group: string): string {
  const verbs = verbsOf(group);
  return [
    `Usage: perdure ${group} <command> [arguments] [options]`,
    "",
    "Commands:",
    ...pairs(
      verbs.map(({ name, summary, load }) => [
        name.slice(group.length + 1),
        load === null ? `${summary} (comes with a later version)` : summary,
      ]),
    ),
    "",
    `\`perdure ${group} COMMAND --help\` tells more.`,
  ].join("\n");
}

export function verbHelp({ name, summary }: Pick<VerbEntry, "name" | "summary">, verb: Omit<Verb, "run">): string {
  const own = verb.options.length === 0 ? "" : " [options]";
  const lines = [
    `perdure ${name}: ${summary}`,
    "",
    `Usage: perdure ${name}${verb.arguments.map(placeOf).join("")}${own}`,
  ];
  if (verb.arguments.length > 0)
    lines.push("", "Arguments:", ...pairs(verb.arguments.map((argument) => [argument.name, argument.help])));
  if (verb.options.length > 0) lines.push("", "Options:", ...optionLines(verb.options));
  lines.push("", "Options of every command:", ...optionLines(GLOBAL_OPTIONS));
  if (verb.notes !== undefined) lines.push("", verb.notes);
  if (verb.examples !== undefined) lines.push("", "Examples:", ...verb.examples.map((example) => `  ${example}`));
  return lines.join("\n");
}

function placeOf({ name, isOptional, isRepeated }: ArgumentSpec): string {
  const word = isRepeated ? `${name}…` : name;
  return isOptional ? ` [${word}]` : ` ${word}`;
}

function optionLines(options: readonly OptionSpec[]): readonly string[] {
  return pairs(options.map((option) => [optionPlace(option), optionText(option)]));
}

function optionPlace(option: OptionSpec): string {
  const name = option.type === "boolean" && option.isOn === true ? `--no-${option.name}` : `--${option.name}`;
  const short = option.short === undefined ? "" : `-${option.short}, `;
  if (option.type === "boolean") return `${short}${name}`;
  return option.bare === undefined
    ? `${short}${name} ${option.placeholder}`
    : `${short}${name}[=${option.placeholder}]`;
}

function optionText(option: OptionSpec): string {
  if (option.type === "boolean") return option.help;
  const values = option.values === undefined ? "" : ` (${option.values.join(", ")})`;
  return `${option.help}${values}${option.isRepeated ? "; may be given several times" : ""}`;
}

/** Two columns; a left side that is too long has the right one on the next line. */
function pairs(rows: readonly (readonly [left: string, right: string])[]): readonly string[] {
  const width = Math.min(24, Math.max(...rows.map(([left]) => left.length)));
  return rows.map(([left, right]) =>
    left.length > width ? `  ${left}\n  ${" ".repeat(width)}  ${right}` : `  ${left.padEnd(width)}  ${right}`,
  );
}
