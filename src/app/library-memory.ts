/** `perdure.memory`: what a session keeps in mind, from code. */

import type { WorkingMemory } from "../memory/working-memory.ts";
import { sessionMemory } from "../operations/session-memory.ts";
import { resolveSession } from "../store/commands/task-queries.ts";
import { defaultSessionId } from "./default-session.ts";
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
  return {
    async of(session) {
      const sessionId =
        session === undefined
          ? await defaultSessionId(project)
          : await project.store.execute(resolveSession, { reference: session });
      return await sessionMemory(project, sessionId);
    },
  };
}
