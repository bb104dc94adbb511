/** `perdure replication status` and `perdure replication sync` */

import type * as v from "valibot";

import { counted } from "../../base/counted.ts";
import { ERROR_CODES } from "../../base/errors.ts";
import type { replicationStatus as statusOperation } from "../../operations/replication-status.ts";
import type { View } from "../output.ts";
import { safeLine } from "../terminal/ansi.ts";
import { operationVerb } from "../verb.ts";

type Report = v.InferInput<(typeof statusOperation)["output"]>;

export const replicationStatus = operationVerb({
  arguments: [],
  options: [],
  notes: "Copies are named by `replication` in perdure.yaml. Exit code 7 when one cannot be used.",
  load: async () => (await import("../../operations/replication-status.ts")).replicationStatus,
  input: () => ({}),
  text: reportText,
  exit: exitOf,
});

export const replicationSync = operationVerb({
  arguments: [],
  options: [],
  notes:
    "Work copies by itself as it goes on; this waits until everything is there. Exit code 7 when one cannot be used.",
  load: async () => (await import("../../operations/replication-sync.ts")).replicationSync,
  input: () => ({}),
  text: reportText,
  exit: exitOf,
});

function reportText({ sinks }: Report, { paint }: View): string {
  if (sinks.length === 0) return "No copies are kept: `replication` in perdure.yaml names none.";
  const lines = sinks.map(({ name, lastSeq, lag, problem, failingSince }) => {
    if (problem !== null) {
      const since = failingSince === null ? "" : ` (since ${failingSince})`;
      return `${paint("red", "fails  ")}  ${safeLine(name)}${since}: ${safeLine(problem.message)}`;
    }
    if (lag === 0) return `${paint("green", "current")}  ${safeLine(name)}: up to change ${lastSeq}`;
    return `${paint("yellow", "behind ")}  ${safeLine(name)}: ${counted(lag ?? 0, "change")} behind, up to change ${lastSeq}`;
  });
  return lines.join("\n");
}

function exitOf({ sinks }: Report): number {
  return sinks.some(({ problem }) => problem !== null) ? ERROR_CODES["store-unreachable"].exit : 0;
}
