/** `perdure.sessions`: lines of work, from code. */

import type { Millis } from "../base/clock.ts";
import type { JsonObject } from "../base/json.ts";
import type { SessionId } from "../domain/ids.ts";
import type { Session, SessionStatus } from "../domain/session.ts";
import { fromCursor, toCursor } from "../operations/json/page.ts";
import { completeByHand, failByHand } from "../operations/session-end.ts";
import { deleteSession } from "../operations/session-delete.ts";
import { sealEnded } from "../operations/checkpointer.ts";
import { pauseSession } from "../operations/session-work.ts";
import type { SessionOverview } from "../store/commands/session-overview.ts";
import { getSessionOverview } from "../store/commands/session-overview.ts";
import type { ResumePoint } from "../store/commands/resume-point.ts";
import { getResumePoint } from "../store/commands/resume-point.ts";
import { getSession, listSessions } from "../store/commands/session-queries.ts";
import type { SessionStatistics } from "../store/commands/session-statistics.ts";
import { getSessionStatistics } from "../store/commands/session-statistics.ts";
import type { NewSession, Resumed } from "../store/commands/sessions.ts";
import {
  cancelSession,
  changeSession,
  createSession,
  ensureOwnedSession,
  ensureSession,
  renameSession,
  resumeSession,
} from "../store/commands/sessions.ts";
import { resolveSession } from "../store/commands/task-queries.ts";
import { forgetDefaultSession } from "./default-session.ts";
import type { Messages } from "./library-messages.ts";
import { libraryMessages } from "./library-messages.ts";
import { checkedCalls } from "./checked-calls.ts";
import { SESSION_SHAPES } from "./library-shapes.ts";
import type { Project } from "./open-project.ts";

export interface CreateSession {
  readonly name: string;
  readonly goal?: string;
  /** Whose it is: the agent that works in it and the user it works for, as the application calls them. */
  readonly agent?: string;
  readonly user?: string;
  /** Most unfinished tasks it may hold. Default: as configured, else 1,000. */
  readonly maxUnfinished?: number;
  readonly metadata?: JsonObject;
  /** `created` waits to be started; nothing is worked in it. Default `active`. */
  readonly status?: "created" | "active";
}

export interface ListSessionsFilter {
  readonly statuses?: readonly SessionStatus[];
  readonly agent?: string;
  readonly user?: string;
  /** In name or goal, whatever the case. */
  readonly search?: string;
  /** Both ends included, in epoch milliseconds. */
  readonly createdAfter?: Millis;
  readonly createdBefore?: Millis;
  /** `nextCursor` of the page before. */
  readonly cursor?: string | null;
  /** Default 20. */
  readonly limit?: number;
}

/** A page of a list. */
export interface Page<Item> {
  readonly items: readonly Item[];
  /** Leads to the next page; `null` on the last. */
  readonly nextCursor: string | null;
}

/** What an export wrote or an import read, and what could not be carried over, in words. */
export interface SessionTransfer {
  readonly sessionId: string;
  /** Absolute. */
  readonly path: string;
  readonly notices: readonly string[];
}

export interface Sessions {
  /** A new session, active at once unless said otherwise. */
  create(session: CreateSession): Promise<Session>;
  /**
   * The newest open session of that agent and user, or without either the one of that name; made if there is none. Two
   * callers at once get the same one.
   */
  ensure(session: CreateSession): Promise<Session>;
  /** By id, the beginning of one, or name. @throws PerdureError `not-found` */
  get(reference: string): Promise<Session>;
  /** Newest first, a page at a time. */
  list(filter?: ListSessionsFilter): Promise<Page<Session>>;
  /** Counts, progress, ETA, what runs, what is next, what is blocked, in one consistent read. */
  overview(reference: string): Promise<SessionOverview>;
  /** What it has come to, in numbers. Reads its whole log. */
  statistics(reference: string): Promise<SessionStatistics>;
  /** Where work would go on: tasks that have begun and not ended, each with the step it had reached. */
  resumePoint(reference: string): Promise<ResumePoint>;
  rename(reference: string, name: string): Promise<Session>;
  /** Lets one that was made to wait be worked. */
  start(reference: string): Promise<Session>;
  /** Claims nothing more; what runs stops at its next step boundary, in whichever process. */
  pause(reference: string): Promise<Session>;
  /** Interrupted tasks go on where they were, failed ones are tried again. */
  resume(reference: string): Promise<Resumed>;
  /** Says that its goal is reached. @throws PerdureError `wrong-state` while tasks of it are unfinished */
  complete(reference: string, note?: string): Promise<Session>;
  /** Says that it has failed; what runs stops. `resume` opens it again. */
  fail(reference: string, note?: string): Promise<Session>;
  /** Cancels it with all its unfinished tasks. */
  cancel(reference: string): Promise<Session>;
  /** Deletes it with all that is in it, for good. @throws PerdureError `conflict` while work runs in it */
  delete(reference: string): Promise<void>;
  /** Writes it into one file, compressed when that ends in `.gz`. @throws PerdureError `conflict` when the file is there */
  export(reference: string, path: string): Promise<SessionTransfer>;
  /**
   * Brings in what an export wrote, with its history; all or nothing. What ran waits interrupted, and the session is paused
   * while something in it is unfinished.
   *
   * @throws PerdureError `conflict` when it is here already, unless it gets `newIds`; `invalid-input` for a file that is not whole
   */
  import(path: string, options?: { readonly newIds?: boolean }): Promise<SessionTransfer>;
  /** Its messages. */
  readonly messages: Messages;
}

export function librarySessions(project: Project): Sessions {
  const { store } = project;
  const find = (reference: string): Promise<SessionId> => store.execute(resolveSession, { reference });
  const toNew = ({ name, goal, agent, user, maxUnfinished, metadata, status }: CreateSession): NewSession => ({
    name,
    goal: goal ?? null,
    agentId: agent ?? null,
    userId: user ?? null,
    planFile: null,
    planFingerprint: null,
    concurrency: null,
    maxUnfinished: maxUnfinished ?? project.config.limits.unfinishedTasks,
    metadata: metadata ?? {},
    status: status ?? "active",
  });
  const api: Sessions = {
    create: (session) => store.execute(createSession, toNew(session)),
    ensure: (session) =>
      store.execute(
        session.agent === undefined && session.user === undefined ? ensureSession : ensureOwnedSession,
        toNew(session),
      ),
    get: async (reference) => await store.execute(getSession, { sessionId: await find(reference) }),
    async list(filter = {}) {
      const { sessions, next } = await store.execute(listSessions, {
        statuses: filter.statuses ?? null,
        agentId: filter.agent ?? null,
        userId: filter.user ?? null,
        search: filter.search ?? null,
        createdAfter: filter.createdAfter ?? null,
        createdBefore: filter.createdBefore ?? null,
        before: fromCursor(filter.cursor ?? null),
        limit: filter.limit ?? 20,
      });
      return { items: sessions, nextCursor: toCursor(next) };
    },
    async overview(reference) {
      const sessionId = await find(reference);
      return await store.execute(getSessionOverview, {
        sessionId,
        lines: 100,
        concurrency: project.config.worker.concurrency,
      });
    },
    statistics: async (reference) => await store.execute(getSessionStatistics, { sessionId: await find(reference) }),
    resumePoint: async (reference) =>
      await store.execute(getResumePoint, { sessionId: await find(reference), limit: 100 }),
    rename: async (reference, name) => await store.execute(renameSession, { sessionId: await find(reference), name }),
    start: async (reference) => await store.execute(changeSession, { sessionId: await find(reference), verb: "start" }),
    async pause(reference) {
      const sessionId = await find(reference);
      await pauseSession(project, sessionId);
      return await store.execute(getSession, { sessionId });
    },
    resume: async (reference) =>
      await store.execute(resumeSession, { sessionId: await find(reference), retryFailed: true }),
    complete: async (reference, note) =>
      await completeByHand(project, { sessionId: await find(reference), note: note ?? null }),
    fail: async (reference, note) =>
      (await failByHand(project, { sessionId: await find(reference), note: note ?? null })).session,
    async cancel(reference) {
      const cancelled = await store.execute(cancelSession, { sessionId: await find(reference) });
      await sealEnded(project, cancelled);
      return cancelled;
    },
    async delete(reference) {
      await deleteSession(project, await store.execute(resolveSession, { reference, isOnly: true }));
      forgetDefaultSession(project);
    },
    async export(reference, path) {
      const { sessionExport } = await import("../operations/session-export.ts");
      const { session, notices, ...written } = await sessionExport.run(project, { session: reference, path });
      return { sessionId: session.id, path: written.path, notices };
    },
    async import(path, options = {}) {
      const { sessionImport } = await import("../operations/session-import.ts");
      const { session, notices } = await sessionImport.run(project, { path, newIds: options.newIds ?? false });
      return { sessionId: session.id, path, notices };
    },
    messages: libraryMessages(project),
  };
  return checkedCalls("perdure.sessions", api, SESSION_SHAPES);
}
