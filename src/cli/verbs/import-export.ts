/** `perdure import` and `perdure export` */

import { counted } from "../../base/counted.ts";
import { PerdureError } from "../../base/errors.ts";
import { SESSION_OPTION } from "../list-options.ts";
import { safeLine, safeText } from "../terminal/ansi.ts";
import { shortId } from "../text/names.ts";
import type { Verb } from "../verb.ts";
import { operationVerb } from "../verb.ts";

const importPlan = operationVerb({
  arguments: [{ name: "FILE", help: "a file of any format, a folder of task files, or the file of a whole project" }],
  options: [
    { name: "sync", type: "boolean", help: "bring file and session together where they drifted apart, both ways" },
    { name: "check", type: "boolean", help: "tell where they drifted apart and change nothing" },
    SESSION_OPTION,
    { name: "executor", type: "text", placeholder: "NAME", help: "for tasks that name none" },
    {
      name: "order",
      type: "text",
      placeholder: "ORDER",
      values: ["sequential", "phases", "free"],
      help: "of Markdown tasks that say none",
    },
  ],
  notes: [
    "Reads Perdure YAML and JSON, Markdown check lists (OpenSpec, spec-kit), Backlog.md folders, task-master tasks.json,",
    "beads issues.jsonl and Claude Code task folders. Importing twice changes nothing.",
    "The file of a whole project (`perdure export --format project`) is restored, into an empty project or store alone.",
  ].join("\n"),
  examples: [
    "perdure import specs/001/tasks.md",
    "perdure import tasks.md --sync",
    "perdure import project.jsonl.gz --store jsonl",
  ],
  store: "on-use",
  load: async () => (await import("../../operations/import.ts")).importPlan,
  input: (args) => ({
    path: args.text("FILE"),
    sync: args.flag("sync"),
    check: args.flag("check"),
    session: args.text("session"),
    executor: args.text("executor"),
    order: args.text("order"),
  }),
  text({ session, isNew, mended, drift }) {
    const { ticked, ...lists } = mended;
    const done = Object.entries(lists)
      .filter(([, keys]) => keys.length > 0)
      .map(([word, keys]) => `${keys.length} ${word}`);
    if (ticked > 0) done.push(`${ticked} ticked in the file`);
    const lines: string[] = [];
    if (session !== null)
      lines.push(
        `${isNew ? "New session" : "Session"} ${safeLine(session.name)} (${shortId(session.id)}): ${done.length === 0 ? "nothing to change" : done.join(", ")}`,
      );
    if (drift !== null) lines.push(...driftLines(drift));
    return lines.join("\n");
  },
  notices: ({ notices }) => notices,
});

export const importVerb: Verb = {
  ...importPlan,
  async run(call) {
    const path = call.args.text("FILE") ?? "";
    const { isProjectFile } = await import("../../operations/restore.ts");
    if (!(await isProjectFile(path))) return await importPlan.run(call);
    const { runRestore } = await import("./restore.ts");
    return await runRestore(call, { from: path, partial: false });
  },
};

interface Drift {
  readonly tickedOnly: readonly string[];
  readonly completedOnly: readonly string[];
  readonly onlyInFile: readonly string[];
  readonly onlyInStore: readonly string[];
  readonly changed: readonly { readonly key: string; readonly fields: readonly string[] }[];
  readonly isInSync: boolean;
}

function driftLines(drift: Drift): readonly string[] {
  if (drift.isInSync) return ["File and session agree."];
  const lists = [
    ["ticked in the file only", drift.tickedOnly],
    ["completed in the session only", drift.completedOnly],
    ["in the file only", drift.onlyInFile],
    ["in the session only", drift.onlyInStore],
    ["changed", drift.changed.map(({ key, fields }) => `${key} (${fields.join(", ")})`)],
  ] as const;
  return lists
    .filter(([, keys]) => keys.length > 0)
    .map(([words, keys]) => `${words}: ${keys.map(safeLine).join(", ")}`);
}

const exportPlan = operationVerb({
  arguments: [
    { name: "SESSION", help: "an id, the beginning of one, or a name (default: the present one)", isOptional: true },
  ],
  options: [
    {
      name: "format",
      short: "f",
      type: "text",
      placeholder: "FORMAT",
      values: ["yaml", "json", "markdown", "project"],
      help: "of the plan (default: yaml); project is everything, in one file",
    },
    {
      name: "out",
      short: "o",
      type: "text",
      placeholder: "FILE",
      help: "with --format project: where to (default: project-NAME.jsonl.gz here)",
    },
  ],
  notes: [
    "`--format project` writes the whole project (its change log, values and artifacts) for `perdure import` or",
    "`perdure restore --from FILE`, which make it again in any kind of store.",
  ].join("\n"),
  examples: ["perdure export --format markdown > plan.md", "perdure export --format project --out project.jsonl.gz"],
  load: async () => (await import("../../operations/export.ts")).exportPlan,
  input: (args) => ({ session: args.text("SESSION"), format: args.text("format") ?? undefined }),
  // Into a file it goes as it is.
  text: ({ text }, { width }) => (width === null ? text : safeText(text)).replace(/\n$/, ""),
  notices: ({ notices }) => notices,
});

const exportProject = operationVerb({
  arguments: exportPlan.arguments,
  options: exportPlan.options,
  load: async () => (await import("../../operations/project-export.ts")).projectExport,
  input: (args) => ({ path: args.text("out") }),
  text: ({ path, changes, contents }) =>
    `Wrote the project to ${safeLine(path)}: ${counted(changes, "change")}, ${counted(contents, "content")}`,
  notices: ({ notices }) => notices,
});

export const exportVerb: Verb = {
  ...exportPlan,
  run(call) {
    const { args } = call;
    const isProject = args.text("format") === "project";
    if (isProject && args.text("SESSION") !== null) throw misplaced("a session", "--format project writes all of them");
    if (!isProject && args.text("out") !== null)
      throw misplaced("--out", "a plan is printed: put it into a file with >");
    return (isProject ? exportProject : exportPlan).run(call);
  },
};

function misplaced(what: string, why: string): PerdureError {
  return new PerdureError("usage", {
    message: `\`perdure export\` takes no ${what.replace(/^a /, "")} here: ${why}`,
    hint: "`perdure export --help` tells more.",
  });
}
