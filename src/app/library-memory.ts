/** `perdure.memory`: what a session keeps in mind, from code. */

import * as v from "valibot";

import type { WorkingMemory } from "../memory/working-memory.ts";
import { sessionMemory } from "../operations/session-memory.ts";
import { resolveSession } from "../store/commands/task-queries.ts";
import { checkedCalls } from "./checked-calls.ts";
import { defaultSessionId } from "./default-session.ts";
import { MEMORY_SHAPES } from "./library-shapes.ts";
import type { Project } from "./open-project.ts";

export interface Memory {
  /**
   * The working memory of one session, by id, the beginning of one, or name. Default: the project's default session.
   *
   * @throws PerdureError `not-found`; `store-unreachable` when it is kept on a server that cannot be reached
   */
  of(session?: string): Promise<WorkingMemory>;
}

export function libraryMemory(project: Project): Memory {
  const api: Memory = {
    async of(session) {
      const sessionId =
        session === undefined
          ? await defaultSessionId(project)
          : await project.store.execute(resolveSession, { reference: session });
      return checkedCalls("memory", await sessionMemory(project, sessionId), MEMORY_SHAPES);
    },
  };
  return checkedCalls("perdure.memory", api, { of: { session: v.optional(v.string()) } });
}
