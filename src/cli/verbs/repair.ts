/** `perdure repair` */

import { ERROR_CODES, PerdureError } from "../../base/errors.ts";
import type { repair as repairOperation } from "../../operations/repair.ts";
import type * as v from "valibot";
import type { View } from "../output.ts";
import { safeLine } from "../terminal/ansi.ts";
import type { Call, Verb } from "../verb.ts";

type Report = v.InferInput<(typeof repairOperation)["output"]>;
type Ranges = Report["lost"]["changes"];

export const repair: Verb = {
  arguments: [],
  options: [
    { name: "dry-run", type: "boolean", help: "tell what is damaged and what would be done, and change nothing" },
    { name: "discard", type: "boolean", help: "go on although rows that can be read now would be gone" },
    { name: "yes", type: "boolean", help: "with --discard: do not ask" },
  ],
  notes: [
    "Puts the store together again from the journal, the change log and the rows. What is replaced is kept in",
    ".perdure/damaged/ (damaged/ beside a jsonl store that lies elsewhere). Nobody else may have the project open.",
    "Exit code 7 when something is lost for good.",
  ].join("\n"),
  examples: ["perdure repair --dry-run", "perdure repair"],
  async run(call) {
    const { args, output, open } = call;
    const discard = args.flag("discard") && !args.flag("dry-run");
    if (discard && !(await isAllowed(call))) {
      output.remark("Nothing was changed.");
      return 0;
    }
    const project = await open("on-use");
    const [{ repair: operation }, { runOperation }] = await Promise.all([
      import("../../operations/repair.ts"),
      import("../../operations/operation.ts"),
    ]);
    const input = { dryRun: args.flag("dry-run"), discard };
    const report = await runOperation(operation, project, { input });
    if (output.isJson) output.printData(report);
    else output.print(reportText(report, output.view()));
    return report.hasLost ? ERROR_CODES["store-damaged"].exit : 0;
  },
};

/** @throws PerdureError `usage` where nobody can be asked */
async function isAllowed({ args, output }: Call): Promise<boolean> {
  if (args.flag("yes")) return true;
  if (output.isJson || !process.stdin.isTTY) {
    throw new PerdureError("usage", {
      message: "`perdure repair --discard` asks before it acts, and nobody can be asked here",
      hint: "Say --yes as well if what cannot be kept may go; the damaged files are kept in any case.",
    });
  }
  const { createInterface } = await import("node:readline/promises");
  const terminal = createInterface({ input: process.stdin, output: process.stderr });
  try {
    const question = "Rows that can be read now may be gone afterwards (the damaged files are kept). Go on? [y/N] ";
    return /^y(es)?$/i.test((await terminal.question(question)).trim());
  } finally {
    terminal.close();
  }
}

/** Most lines of each kind. */
const LINES = 20;

function reportText(report: Report, { paint }: View): string {
  const { damaged, recovered, lost, replaced, keptIn } = report;
  const lines: string[] = [];
  if (report.finishedEarlier) lines.push("A repair that had been cut off was finished.");
  lines.push(...listed(damaged, (what) => `${paint("red", "damaged")}    ${safeLine(what)}`));
  const sources = [
    ["from the journal", recovered.fromJournal],
    ["from the database", recovered.fromDatabase],
    ["from the rows and what followed", recovered.fromRows],
  ] as const;
  for (const [source, ranges] of sources) {
    if (ranges.length > 0) lines.push(`${paint("green", "recovered")}  ${rangesText(ranges)} ${source}`);
  }
  const lose = (what: string): string => `${paint("red", "lost")}       ${what}`;
  if (lost.changes.length > 0) lines.push(lose(`${rangesText(lost.changes)}: no copy is left of these entries`));
  if (lost.doubtful.length > 0) {
    lines.push(lose(`${rangesText(lost.doubtful)}: contradicted by what is as good; neither can be proven`));
  }
  lines.push(
    ...listed(lost.dropped, ({ seq, verb, entity, rowKey }) =>
      lose(`change ${seq} (${safeLine(`${verb} ${entity} ${rowKey}`)}): it fits nowhere, or its command has no end`),
    ),
    ...listed(lost.rows, ({ entity, rowKey, name, why }) =>
      lose(safeLine(`${entity} ${rowKey}${name === null ? "" : ` (${name})`}: ${why}`)),
    ),
    ...listed(lost.values, ({ seq, entity, rowKey }) =>
      lose(safeLine(`a large value of ${entity} ${rowKey} (change ${seq}): no copy of it is left`)),
    ),
  );
  lines.push(
    ...listed(lost.files, ({ name, why }) =>
      lose(safeLine(`artifact ${name ?? ""}: ${why}, and there is no other copy`)),
    ),
  );
  if (damaged.length === 0 && !report.hasLost) return [...lines, "Nothing is damaged."].join("\n");
  if (replaced.length > 0) {
    lines.push(`${report.dryRun ? "would replace" : "replaced"}   ${replaced.map(safeLine).join(", ")}`);
  }
  if (keptIn !== null) lines.push(`The damaged files are kept in ${safeLine(keptIn)}.`);
  const end = report.hasLost ? "Not everything could be recovered." : "Everything was recovered.";
  return [...lines, report.dryRun ? "Nothing was changed." : end].join("\n");
}

function listed<Item>(items: readonly Item[], line: (item: Item) => string): readonly string[] {
  const shown = items.slice(0, LINES).map(line);
  return items.length <= LINES ? shown : [...shown, `           … and ${items.length - LINES} more (--json lists all)`];
}

function rangesText(ranges: Ranges): string {
  const shown = ranges.slice(0, 10).map(({ from, to }) => (from === to ? String(from) : `${from}–${to}`));
  const count = ranges.reduce((sum, { from, to }) => sum + to - from + 1, 0);
  const rest = ranges.length > shown.length ? " …" : "";
  return `${count} ${count === 1 ? "change" : "changes"} (${shown.join(", ")}${rest})`;
}
