/** How to go on from where the work stands: the exact commands. */

import type { BriefState } from "../../store/commands/brief-state.ts";
import { MANUAL_EXECUTOR } from "../../domain/task.ts";
import { isFinishedSession } from "../../domain/session.ts";
import type { Namer } from "./names.ts";
import type { Holder } from "./sections.ts";

export interface NextCommandsInput {
  readonly state: BriefState;
  readonly namer: Namer;
  readonly holders: ReadonlyMap<string, Holder>;
}

export function nextCommands({ state, namer, holders }: NextCommandsInput): readonly string[] {
  const { present } = state;
  if (present === null) return ["perdure run PLAN"];
  const { session, tasks } = present;
  if (isFinishedSession(session.status)) return ["perdure run PLAN"];
  const resume = `perdure resume ${session.id.slice(0, 8)}`;
  if (session.status !== "active") return [resume];
  const isWorkedOn = tasks.running.some(({ workerId }) => workerId !== null && holders.get(workerId)?.isGone === false);
  if (isWorkedOn) return [`perdure watch ${session.id.slice(0, 8)}`];
  const [first] = tasks.ready;
  if (first?.executor === MANUAL_EXECUTOR) return ["perdure task next --claim"];
  const isStopped = tasks.blocked.some(({ reason, note }) => reason === "interrupted" && note === null);
  if (first !== undefined || tasks.running.length > 0 || isStopped) return [resume];
  const asks = tasks.blocked.find(({ question, reason }) => question !== null || reason === "unknown_outcome");
  if (asks !== undefined) {
    const word = namer.word(asks);
    return [
      asks.question === null ? `perdure task resolve ${word} --done|--retry|--skip` : `perdure task approve ${word}`,
    ];
  }
  const [failed] = tasks.failed;
  return [failed === undefined ? resume : `perdure task retry ${namer.word(failed)}`];
}
