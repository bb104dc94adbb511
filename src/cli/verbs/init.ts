/** `perdure init` */

import type * as v from "valibot";

import { PerdureError } from "../../base/errors.ts";
import type { agentsSetup } from "../../operations/agents-setup.ts";
import { isOnPath } from "../on-path.ts";
import { safeLine } from "../terminal/ansi.ts";
import type { Call, Verb } from "../verb.ts";

export const init: Verb = {
  arguments: [],
  options: [
    {
      name: "agents",
      type: "boolean",
      help: "set up Claude Code, Codex and Gemini CLI: MCP server, hooks, instructions",
    },
    { name: "dry-run", type: "boolean", help: "with --agents: only show what would be changed" },
    { name: "undo", type: "boolean", help: "with --agents: take it all out again" },
  ],
  notes: [
    "Creates .perdure/ and a commented perdure.yaml in this directory. What is there already is left as it is, also in the",
    "settings of agents, into which entries are put beside the others.",
  ].join("\n"),
  examples: ["perdure init", "perdure init --agents --dry-run", "perdure init --agents --undo"],
  async run(call) {
    const { args, output, open } = call;
    refuseUnfitting(call);
    const isOnlyAgents = args.flag("undo") || args.flag("dry-run");
    const project = await open(isOnlyAgents ? "on-use" : "new");
    const [{ init: operation }, { runOperation }] = await Promise.all([
      import("../../operations/init.ts"),
      import("../../operations/operation.ts"),
    ]);
    const made =
      args.flag("undo") || args.flag("dry-run") ? null : await runOperation(operation, project, { input: {} });
    const agents = args.flag("agents") ? await setUp(call, project) : null;
    if (output.isJson)
      output.printData({ ...made, projectDir: project.projectDir, ...(agents && { agents: agents.changes }) });
    else output.print([...projectLines(project.projectDir, made), ...agentLines(call, agents)].join("\n"));
    return 0;
  },
};

type Agents = v.InferInput<(typeof agentsSetup)["output"]>;

function refuseUnfitting({ args }: Call): void {
  if (args.flag("agents")) return;
  const option = args.flag("undo") ? "undo" : args.flag("dry-run") ? "dry-run" : null;
  if (option === null) return;
  throw new PerdureError("usage", {
    message: `--${option} goes with --agents`,
    hint: `Add --agents, or leave --${option} out.`,
  });
}

async function setUp({ args }: Call, project: Awaited<ReturnType<Call["open"]>>): Promise<Agents> {
  const [{ agentsSetup: operation }, { runOperation }] = await Promise.all([
    import("../../operations/agents-setup.ts"),
    import("../../operations/operation.ts"),
  ]);
  const input = { undo: args.flag("undo"), dryRun: args.flag("dry-run"), onPath: isOnPath("perdure", process.env) };
  return await runOperation(operation, project, { input });
}

function projectLines(
  projectDir: string,
  made: { readonly created: readonly string[]; readonly existing: readonly string[] } | null,
): readonly string[] {
  if (made === null) return [];
  return [
    `${safeLine(projectDir)} is a Perdure project.`,
    ...(made.created.length > 0 ? [`created  ${made.created.join(", ")}`] : []),
    ...(made.existing.length > 0 ? [`kept     ${made.existing.join(", ")}`] : []),
    "Go on with `perdure run PLAN` or `perdure task add TITLE`.",
  ];
}

/** Each file with its lines; those of instructions, which are ours alone, are not shown. */
function agentLines({ args }: Call, agents: Agents | null): readonly string[] {
  if (agents === null) return [];
  const lines = agents.changes.flatMap(({ path, change, added, removed }) => [
    `${change.padEnd(9)} ${path}`,
    ...(path.endsWith(".md")
      ? []
      : [...removed.map((line) => `  - ${safeLine(line)}`), ...added.map((line) => `  + ${safeLine(line)}`)]),
  ]);
  const isNothing = agents.changes.every(({ change }) => change === "unchanged");
  if (args.flag("dry-run")) return [...lines, "Nothing was written (--dry-run)."];
  if (args.flag("undo")) return [...lines, ...(isNothing ? ["There was nothing to take out."] : [])];
  return [
    ...lines,
    "Start an agent in this directory: each asks once whether it may trust the folder, Claude Code also whether the",
    "server may run, and Codex whether the hooks may. Until then they leave these settings aside.",
    "`perdure init --agents --undo` takes this out again.",
  ];
}
