/** Completion scripts for shells, rendered from the table of verbs. */

import type { OptionSpec } from "./parse-arguments.ts";
import { GLOBAL_OPTIONS } from "./parse-arguments.ts";
import { VERBS } from "./verbs.ts";

export const COMPLETION_SHELLS = ["bash", "zsh", "fish"] as const;
export type CompletionShell = (typeof COMPLETION_SHELLS)[number];

export interface VerbCompletion {
  /** One word, or two. */
  readonly name: string;
  readonly summary: string;
  readonly options: readonly OptionSpec[];
  /** The only words its argument may be. */
  readonly values: readonly string[];
}

/** Verbs of later versions are left out. */
export async function loadCompletions(): Promise<readonly VerbCompletion[]> {
  const found: VerbCompletion[] = [];
  for (const { name, summary, load } of VERBS) {
    if (load === null) continue;
    const verb = await load();
    const values = verb.arguments.flatMap((argument) => argument.values ?? []);
    found.push({ name, summary, options: [...verb.options, ...GLOBAL_OPTIONS], values });
  }
  return found;
}

export function completionScript(shell: CompletionShell, verbs: readonly VerbCompletion[]): string {
  switch (shell) {
    case "bash":
      return bashScript(verbs);
    case "zsh":
      return `#compdef perdure\nautoload -U +X bashcompinit && bashcompinit\n${bashScript(verbs)}`;
    case "fish":
      return fishScript(verbs);
  }
}

function flagsOf(option: OptionSpec): readonly string[] {
  const names = [`--${option.name}`];
  if (option.short !== undefined) names.push(`-${option.short}`);
  if (option.type === "boolean" && option.isOn === true) return [`--no-${option.name}`];
  return names;
}

function firstWords(verbs: readonly VerbCompletion[]): readonly string[] {
  return [...new Set(verbs.map(({ name }) => name.split(" ")[0] ?? name)), "help"];
}

function groupsOf(verbs: readonly VerbCompletion[]): ReadonlyMap<string, readonly string[]> {
  const groups = new Map<string, readonly string[]>();
  for (const { name } of verbs) {
    const [first = "", second] = name.split(" ");
    if (second !== undefined) groups.set(first, [...(groups.get(first) ?? []), second]);
  }
  return groups;
}

function bashScript(verbs: readonly VerbCompletion[]): string {
  const groups = groupsOf(verbs);
  const takingValue = [...new Set(verbs.flatMap(({ options }) => options.filter(takesNextWord).flatMap(flagsOf)))].join(
    "|",
  );
  const verbCases = verbs.map(({ name, options, values }) => {
    const words = values.length === 0 ? "" : ` words="${values.join(" ")}"`;
    return `    "${name}") options="${options.flatMap(flagsOf).join(" ")}"${words} ;;`;
  });
  const groupCases = [...groups].map(([group, words]) => `    "${group}") words="${words.join(" ")}" ;;`);
  const valueCases = valueOptions(verbs).map(
    ([flag, values]) => `    ${flag}) COMPREPLY=($(compgen -W "${values.join(" ")}" -- "$current")); return ;;`,
  );
  return [
    "_perdure() {",
    '  local current="${COMP_WORDS[COMP_CWORD]}" previous="${COMP_WORDS[COMP_CWORD-1]}"',
    '  local verb="" words="" options="" word i',
    `  local groups=" ${[...groups.keys()].join(" ")} "`,
    "  for ((i = 1; i < COMP_CWORD; i++)); do",
    '    word="${COMP_WORDS[i]}"',
    '    case "$word" in',
    `      ${takingValue}) ((i++)); continue ;;`,
    "      -*) continue ;;",
    "    esac",
    '    if [[ -z "$verb" ]]; then verb="$word"',
    '    elif [[ "$verb" != *" "* && "$groups" == *" $verb "* ]]; then verb="$verb $word"; fi',
    "  done",
    '  case "$previous" in',
    ...valueCases,
    `    ${takingValue}) COMPREPLY=($(compgen -f -- "$current")); return ;;`,
    "  esac",
    '  case "$verb" in',
    `    "") words="${firstWords(verbs).join(" ")}" options="${[...GLOBAL_OPTIONS.flatMap(flagsOf), "--version"].join(" ")}" ;;`,
    ...groupCases,
    ...verbCases,
    "  esac",
    '  if [[ "$current" == -* ]]; then COMPREPLY=($(compgen -W "$options" -- "$current"))',
    '  elif [[ -n "$words" ]]; then COMPREPLY=($(compgen -W "$words" -- "$current"))',
    '  else COMPREPLY=($(compgen -f -- "$current")); fi',
    "}",
    "complete -o filenames -F _perdure perdure",
  ].join("\n");
}

function takesNextWord(option: OptionSpec): boolean {
  return option.type !== "boolean" && option.bare === undefined;
}

/** Options that have the same set of values wherever they occur. */
function valueOptions(verbs: readonly VerbCompletion[]): readonly (readonly [string, readonly string[]])[] {
  const found = new Map<string, readonly string[]>();
  for (const { options } of verbs)
    for (const option of options)
      if (option.type !== "boolean" && option.values !== undefined && takesNextWord(option))
        found.set(`--${option.name}`, [...new Set([...(found.get(`--${option.name}`) ?? []), ...option.values])]);
  return [...found];
}

function fishScript(verbs: readonly VerbCompletion[]): string {
  const groups = groupsOf(verbs);
  const summaryOf = (word: string): string => verbs.find(({ name }) => name === word)?.summary ?? `${word} commands`;
  const lines = ["complete -c perdure -f"];
  for (const word of firstWords(verbs))
    lines.push(
      `complete -c perdure -n __fish_use_subcommand -a ${word} -d ${quoted(word === "help" ? "show help" : summaryOf(word))}`,
    );
  for (const [group, words] of groups)
    for (const word of words)
      lines.push(
        `complete -c perdure -n "__fish_seen_subcommand_from ${group}; and not __fish_seen_subcommand_from ${words.join(" ")}" -a ${word} -d ${quoted(summaryOf(`${group} ${word}`))}`,
      );
  for (const { name, options, values } of verbs) {
    const condition = quoted(
      name
        .split(" ")
        .map((word) => `__fish_seen_subcommand_from ${word}`)
        .join("; and "),
    );
    for (const option of options) lines.push(`complete -c perdure -n ${condition} ${fishOption(option)}`);
    if (values.length > 0) lines.push(`complete -c perdure -n ${condition} -a ${quoted(values.join(" "))}`);
    else if (["run", "plan", "import"].includes(name)) lines.push(`complete -c perdure -n ${condition} -F`);
  }
  return lines.join("\n");
}

function fishOption(option: OptionSpec): string {
  const name = option.type === "boolean" && option.isOn === true ? `no-${option.name}` : option.name;
  const short = option.short === undefined ? "" : ` -s ${option.short}`;
  const value =
    option.type === "boolean" ? "" : option.values === undefined ? " -r" : ` -x -a ${quoted(option.values.join(" "))}`;
  return `-l ${name}${short}${value} -d ${quoted(option.help)}`;
}

function quoted(text: string): string {
  return `'${text.replaceAll("\\", "\\\\").replaceAll("'", "\\'")}'`;
}
