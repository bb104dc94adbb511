/** Everything a brief is rendered from, in one consistent read. */

import type { SessionId } from "../../domain/ids.ts";
import type { Session } from "../../domain/session.ts";
import type { Command } from "../command.ts";
import { defineRead, oneRow } from "../command.ts";
import { text } from "../entity-rows.ts";
import type { BriefFact, BriefKnowledge, BriefSessionLine, Counted } from "./brief-knowledge.ts";
import { readBriefKnowledge, readFacts, readOtherSessions } from "./brief-knowledge.ts";
import type { BriefTasks } from "./brief-tasks.ts";
import { readBriefTasks } from "./brief-tasks.ts";
import { loadSession, sessionRow } from "./session-rows.ts";

export interface BriefSession extends BriefKnowledge {
  readonly session: Session;
  readonly tasks: BriefTasks;
  /** Unfinished ones besides this. */
  readonly others: Counted<BriefSessionLine>;
}

export interface BriefState {
  readonly projectName: string;
  readonly facts: Counted<BriefFact>;
  readonly present: BriefSession | null;
}

export interface GetBriefState {
  /** `null` tells of the project alone. */
  readonly sessionId: SessionId | null;
  readonly names: number;
  readonly tasks: number;
  readonly lines: number;
}

export const getBriefState = defineRead(
  "get-brief-state",
  function* (context, input: GetBriefState): Command<BriefState> {
    const { sessionId, lines } = input;
    const project = yield* oneRow("select name from projects where id = ?", context.projectId);
    const facts = yield* readFacts(context, lines);
    const projectName = text(project?.name ?? "");
    if (sessionId === null) return { projectName, facts, present: null };
    const session = yield* loadSession(yield* sessionRow(context, sessionId));
    const scope = { ...input, sessionId };
    const tasks = yield* readBriefTasks(context, scope);
    const others = yield* readOtherSessions(context, { besides: sessionId, limit: lines });
    return {
      projectName,
      facts,
      present: { session, tasks, others, ...(yield* readBriefKnowledge(context, scope)) },
    };
  },
);
