/** `perdure cleanup` */

import { safeLine } from "../terminal/ansi.ts";
import { operationVerb } from "../verb.ts";

const NAMES: Readonly<Record<string, string>> = {
  executions: "executions of recurring tasks",
  checkpoints: "automatic checkpoints",
  sessions: "finished sessions",
  changes: "entries of the change log",
  blobs: "large values nothing refers to",
  artifacts: "artifact files nothing refers to",
  snapshots: "snapshots of the workspace no checkpoint holds",
  histories: "histories of sessions that are gone",
  damaged: "damaged files that were set aside",
  workers: "workers that are gone",
};

export const cleanup = operationVerb({
  arguments: [],
  options: [{ name: "dry-run", type: "boolean", help: "only tell what would be removed" }],
  notes:
    "By the rules under retention: in perdure.yaml. Safe beside running work and to stop at any moment. Workers do it too, once a day.",
  examples: ["perdure cleanup --dry-run", "perdure cleanup"],
  load: async () => (await import("../../operations/cleanup.ts")).cleanup,
  input: (args) => ({ dryRun: args.flag("dry-run") }),
  text({ dryRun, removed }, { paint }) {
    const lines = Object.entries(removed).flatMap(([kind, { count, sizeBytes, items }]) => {
      if (count === 0) return [];
      const size = sizeBytes === null ? "" : `, ${sizeBytes} bytes`;
      const named = dryRun ? items.map((item) => `  ${paint("dim", safeLine(item))}`) : [];
      const others = dryRun && items.length > 0 && count > items.length && kind !== "changes" ? ["  …"] : [];
      return [`${count} ${NAMES[kind] ?? kind}${size}`, ...named, ...others];
    });
    if (lines.length === 0) return dryRun ? "Nothing would be removed." : "Nothing was to be removed.";
    return [dryRun ? "Would be removed:" : "Removed:", ...lines].join("\n");
  },
  notices: ({ notices }) => notices,
});
