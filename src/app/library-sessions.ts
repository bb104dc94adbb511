/** `perdure.sessions`: lines of work, from code. */

import type { JsonObject } from "../base/json.ts";
import type { SessionId } from "../domain/ids.ts";
import type { Session, SessionStatus } from "../domain/session.ts";
import { pauseSession } from "../operations/session-work.ts";
import type { SessionOverview } from "../store/commands/session-overview.ts";
import { getSessionOverview } from "../store/commands/session-overview.ts";
import type { SessionPage } from "../store/commands/session-queries.ts";
import type { NewSession, Resumed } from "../store/commands/sessions.ts";
import { getSession, listSessions } from "../store/commands/session-queries.ts";
import { cancelSession, createSession, ensureSession, resumeSession } from "../store/commands/sessions.ts";
import { resolveSession } from "../store/commands/task-queries.ts";
import type { Project } from "./open-project.ts";

export interface CreateSession {
  readonly name: string;
  readonly goal?: string;
  /** Most unfinished tasks it may hold. Default: as configured, else 1,000. */
  readonly maxUnfinished?: number;
  readonly metadata?: JsonObject;
}

export interface Sessions {
  /** A new session, active at once. */
  create(session: CreateSession): Promise<Session>;
  /** The open session of that name, made if there is none. */
  ensure(session: CreateSession): Promise<Session>;
  /** By id, the beginning of one, or name. @throws PerdureError `not-found` */
  get(reference: string): Promise<Session>;
  /** Newest first, a page at a time. */
  list(filter?: {
    readonly statuses?: readonly SessionStatus[];
    readonly before?: number;
    readonly limit?: number;
  }): Promise<SessionPage>;
  /** Counts, progress, ETA, what runs, what is next, what is blocked, in one consistent read. */
  overview(reference: string): Promise<SessionOverview>;
  /** Claims nothing more; what runs stops at its next step boundary, in whichever process. */
  pause(reference: string): Promise<Session>;
  /** Interrupted tasks go on where they were, failed ones are tried again. */
  resume(reference: string): Promise<Resumed>;
  /** Cancels it with all its unfinished tasks. */
  cancel(reference: string): Promise<Session>;
}

export function librarySessions(project: Project): Sessions {
  const { store } = project;
  const find = (reference: string): Promise<SessionId> => store.execute(resolveSession, { reference });
  const toNew = ({ name, goal, maxUnfinished, metadata }: CreateSession): NewSession => ({
    name,
    goal: goal ?? null,
    planFile: null,
    planFingerprint: null,
    concurrency: null,
    maxUnfinished: maxUnfinished ?? project.config.limits.unfinishedTasks,
    metadata: metadata ?? {},
    status: "active",
  });
  return {
    create: (session) => store.execute(createSession, toNew(session)),
    ensure: (session) => store.execute(ensureSession, toNew(session)),
    get: async (reference) => await store.execute(getSession, { sessionId: await find(reference) }),
    list: (filter = {}) =>
      store.execute(listSessions, {
        statuses: filter.statuses ?? null,
        before: filter.before ?? null,
        limit: filter.limit ?? 20,
      }),
    async overview(reference) {
      const sessionId = await find(reference);
      return await store.execute(getSessionOverview, {
        sessionId,
        lines: 100,
        concurrency: project.config.worker.concurrency,
      });
    },
    async pause(reference) {
      const sessionId = await find(reference);
      await pauseSession(project, sessionId);
      return await store.execute(getSession, { sessionId });
    },
    resume: async (reference) =>
      await store.execute(resumeSession, { sessionId: await find(reference), retryFailed: true }),
    cancel: async (reference) => await store.execute(cancelSession, { sessionId: await find(reference) }),
  };
}
