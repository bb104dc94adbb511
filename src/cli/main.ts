/** The command line: finds the verb, reads its words, runs it, tells what went wrong, and ends the process. */

import { statSync } from "../base/quick-fs.ts";
import type { Project } from "../app/open-project.ts";
import { PerdureError } from "../base/errors.ts";
import { createOutput } from "./output.ts";
import { parseArguments, splitVerb } from "./parse-arguments.ts";
import type { Call } from "./verb.ts";
import type { VerbEntry } from "./verbs.ts";
import { findVerb } from "./verbs.ts";

const argv = process.argv.slice(2);
const isJson = isAskedForJson(argv);

process.on("uncaughtException", async (error) => process.exit(await fail(error)));
// At the end something (a watcher, a pipe) may keep the event loop, so the end is said. Not awaited here: the build may put
// this module into one file with others, and those that are loaded later would wait for it while it waits for them.
void main()
  .catch(fail)
  .then((code) => process.exit(code));

async function main(): Promise<number> {
  const { before, rest } = splitVerb(argv);
  const [word] = rest;
  if (word === undefined || word === "help" || word === "--") {
    const { showHelp } = await import("./help.ts");
    return await showHelp(before, rest.slice(1));
  }
  const found = await findVerb(rest);
  if (found.kind === "group") {
    const { showGroup } = await import("./help.ts");
    return await showGroup(found.group, [...before, ...found.words]);
  }
  return await runVerb(found.entry, [...before, ...found.words]);
}

async function runVerb(entry: VerbEntry, words: readonly string[]): Promise<number> {
  if (entry.load === null) throw laterVerb(entry.name);
  const verb = await entry.load();
  const args = await parseArguments({ verb: entry.name, ...verb }, words);
  if (args.flag("help")) {
    const { verbHelp } = await import("./help.ts");
    createOutput({ isJson: false, isQuiet: false }).print(verbHelp(entry, verb));
    return 0;
  }
  const opened: Project[] = [];
  const call: Call = {
    args,
    output: createOutput({ isJson: args.flag("json"), isQuiet: args.flag("quiet") }),
    async open(mode) {
      const { openProject } = await import("../app/open-project.ts");
      const directory = args.text("project");
      const isHere = mode === "new" || mode === "restore";
      if (directory !== null && !isHere) refuseMissing(directory);
      const project = await openProject({
        directory,
        isExact: directory !== null || isHere,
        mustExist: mode === "existing" || mode === "unopened",
        opensOnUse: mode === "unopened" || mode === "on-use" || mode === "restore",
        isRestoring: mode === "restore",
        store: args.text("store"),
        durability: null,
        actor: "cli",
        onWarning: (message) => call.output.remark(`warning: ${message}`),
      });
      opened.push(project);
      return project;
    },
  };
  try {
    return await verb.run(call);
  } finally {
    for (const project of opened) await project.close();
  }
}

function refuseMissing(directory: string): void {
  if (statSync(directory, { throwIfNoEntry: false })?.isDirectory()) return;
  throw new PerdureError("not-found", {
    message: `There is no directory ${directory}`,
    hint: "--project names the directory of a project.",
    details: { directory },
  });
}

function laterVerb(name: string): PerdureError {
  return new PerdureError("unsupported", {
    message: `\`perdure ${name}\` is not part of this version of Perdure yet`,
    hint: "It comes with a later version. `perdure help` shows what this one does.",
    details: { verb: name },
  });
}

async function fail(error: unknown): Promise<number> {
  const { reportError } = await import("./report-error.ts");
  return reportError(error, { isJson });
}

/** Also when the words cannot be parsed: the error is told in the form that was asked for. */
function isAskedForJson(words: readonly string[]): boolean {
  const end = words.indexOf("--");
  return (end === -1 ? words : words.slice(0, end)).includes("--json");
}
