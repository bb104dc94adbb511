/** Reading the words of a command line against a verb's table of arguments and options. */

import { PerdureError } from "../base/errors.ts";

export interface ArgumentSpec {
  readonly name: string;
  readonly help: string;
  readonly isOptional?: boolean;
  /** Takes all words that are left. */
  readonly isRepeated?: boolean;
  /** The only words it may be. */
  readonly values?: readonly string[];
}

interface OptionBase {
  /** Without its dashes. */
  readonly name: string;
  /** One letter. */
  readonly short?: string;
  readonly help: string;
}

export type OptionSpec =
  /** On by default when `isOn`, and then turned off by `--no-NAME`. */
  | (OptionBase & { readonly type: "boolean"; readonly isOn?: boolean })
  | (OptionBase & {
      readonly type: "text" | "integer" | "number";
      readonly placeholder: string;
      /** May be given several times. */
      readonly isRepeated?: boolean;
      readonly values?: readonly string[];
      /** What the option means without a value; a value is then only taken from `--name=value`. */
      readonly bare?: string;
    });

export interface Syntax {
  /** As typed, such as `task add`; for messages. */
  readonly verb: string;
  readonly arguments: readonly ArgumentSpec[];
  readonly options: readonly OptionSpec[];
}

type Value = string | number | boolean | readonly string[];

/** What was typed, by the names of the table. Asking for a name that is not in it is a bug and gives nothing. */
export interface ParsedArguments {
  text(name: string): string | null;
  number(name: string): number | null;
  flag(name: string): boolean;
  list(name: string): readonly string[];
}

export const GLOBAL_OPTIONS: readonly OptionSpec[] = [
  { name: "json", type: "boolean", help: "print one JSON document on stdout, errors as JSON on stderr" },
  {
    name: "project",
    type: "text",
    placeholder: "DIR",
    help: "the project (default: the nearest parent with .perdure/ or perdure.yaml)",
  },
  { name: "store", type: "text", placeholder: "URL", help: "the store, instead of what perdure.yaml says" },
  { name: "quiet", short: "q", type: "boolean", help: "print results and errors only" },
  { name: "help", short: "h", type: "boolean", help: "show how a command is used" },
];

/**
 * Splits off what stands before the verb, so that the verb can be looked up: `perdure --json --project DIR status`.
 * Only options that every verb has may stand there.
 */
export function splitVerb(argv: readonly string[]): {
  readonly before: readonly string[];
  readonly rest: readonly string[];
} {
  let at = 0;
  while (at < argv.length) {
    const word = argv[at] ?? "";
    if (!word.startsWith("-") || word === "-" || word === "--") break;
    const option = GLOBAL_OPTIONS.find(({ name }) => word === `--${name}`);
    at += option !== undefined && option.type !== "boolean" ? 2 : 1;
  }
  return { before: argv.slice(0, at), rest: argv.slice(at) };
}

/** @throws PerdureError `usage` naming the word that is wrong and, where there is one, what was probably meant. */
export async function parseArguments(syntax: Syntax, words: readonly string[]): Promise<ParsedArguments> {
  const values = new Map<string, Value>();
  const positionals: string[] = [];
  const options = [...syntax.options, ...GLOBAL_OPTIONS];
  for (let at = 0; at < words.length; at++) {
    const word = words[at] ?? "";
    if (word === "--") {
      positionals.push(...words.slice(at + 1));
      break;
    }
    if (!word.startsWith("-") || word === "-" || isNegativeNumber(word)) {
      positionals.push(word);
      continue;
    }
    const found = findOption(options, word);
    if (found === null) throw await unknownOption(syntax, options, word);
    const { option, isOff } = found;
    if (option.type === "boolean") {
      if (found.value !== null) throw usage(syntax, `--${option.name} takes no value`);
      values.set(option.name, !isOff);
      continue;
    }
    const raw = found.value ?? option.bare ?? words[++at];
    if (raw === undefined)
      throw usage(syntax, `--${option.name} needs a value: --${option.name} ${option.placeholder}`);
    const value = readValue(syntax, option, raw);
    if (option.isRepeated) values.set(option.name, [...asList(values.get(option.name)), String(value)]);
    else values.set(option.name, value);
  }
  if (values.get("help") !== true) placePositionals(syntax, positionals, values);
  return accessors(values, options);
}

interface FoundOption {
  readonly option: OptionSpec;
  readonly value: string | null;
  readonly isOff: boolean;
}

function findOption(options: readonly OptionSpec[], word: string): FoundOption | null {
  const equals = word.indexOf("=");
  const name = equals === -1 ? word : word.slice(0, equals);
  const value = equals === -1 ? null : word.slice(equals + 1);
  for (const option of options) {
    if (name === `--${option.name}` || (option.short !== undefined && name === `-${option.short}`))
      return { option, value, isOff: false };
    if (option.type === "boolean" && name === `--no-${option.name}`) return { option, value, isOff: true };
  }
  return null;
}

/** So that `--min-priority -1` reaches whoever says what is wrong with it. */
function isNegativeNumber(word: string): boolean {
  return /^-\d+(\.\d+)?$/.test(word);
}

function readValue(
  syntax: Syntax,
  option: Exclude<OptionSpec, { readonly type: "boolean" }>,
  raw: string,
): string | number {
  if (option.values !== undefined && !option.values.includes(raw))
    throw usage(syntax, `--${option.name} is one of ${option.values.join(", ")}, not ${JSON.stringify(raw)}`);
  if (option.type === "text") return raw;
  const isRight = option.type === "integer" ? /^-?\d{1,15}$/.test(raw) : /^-?\d+(\.\d+)?$/.test(raw);
  if (isRight) return Number(raw);
  throw usage(
    syntax,
    `--${option.name} is ${option.type === "integer" ? "a whole number" : "a number"}, not ${JSON.stringify(raw)}`,
  );
}

function placePositionals(syntax: Syntax, positionals: readonly string[], values: Map<string, Value>): void {
  let at = 0;
  for (const argument of syntax.arguments) {
    const words = argument.isRepeated ? positionals.slice(at) : positionals.slice(at, at + 1);
    const wrong = words.find((word) => argument.values !== undefined && !argument.values.includes(word));
    if (wrong !== undefined)
      throw usage(syntax, `${argument.name} is one of ${argument.values?.join(", ")}, not ${JSON.stringify(wrong)}`);
    const [first] = words;
    if (first === undefined && !argument.isOptional)
      throw usage(syntax, `${argument.name} is missing: ${argument.help}`);
    if (argument.isRepeated) values.set(argument.name, words);
    else if (first !== undefined) values.set(argument.name, first);
    at += words.length;
  }
  const extra = positionals[at];
  if (extra !== undefined) throw usage(syntax, `${JSON.stringify(extra)} is one word too many for ${syntax.verb}`);
}

function accessors(values: ReadonlyMap<string, Value>, options: readonly OptionSpec[]): ParsedArguments {
  return {
    text(name) {
      const value = values.get(name);
      return typeof value === "string" ? value : null;
    },
    number(name) {
      const value = values.get(name);
      return typeof value === "number" ? value : null;
    },
    flag(name) {
      const value = values.get(name);
      if (typeof value === "boolean") return value;
      return options.some((option) => option.name === name && option.type === "boolean" && option.isOn === true);
    },
    list: (name) => asList(values.get(name)),
  };
}

function asList(value: Value | undefined): readonly string[] {
  return Array.isArray(value) ? value : [];
}

async function unknownOption(syntax: Syntax, options: readonly OptionSpec[], word: string): Promise<PerdureError> {
  const { nearest } = await import("../base/nearest.ts");
  const name = word.replace(/=.*$/s, "");
  const near = nearest(
    name,
    options.map((option) => `--${option.name}`),
  );
  return usage(syntax, `${syntax.verb} has no option ${name}${near === null ? "" : `; did you mean ${near}?`}`);
}

function usage(syntax: Syntax, message: string): PerdureError {
  return new PerdureError("usage", { message, hint: `See \`perdure ${syntax.verb} --help\`.` });
}
