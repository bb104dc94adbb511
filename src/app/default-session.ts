/** The session of tasks that name none. */

import type { SessionId } from "../domain/ids.ts";
import { ensureSession } from "../store/commands/sessions.ts";
import type { Project } from "./open-project.ts";

const cache = new WeakMap<Project, Promise<SessionId>>();

/** The project's default session, made on first use. */
export function defaultSessionId(project: Project): Promise<SessionId> {
  let found = cache.get(project);
  if (found === undefined) {
    found = ensureDefault(project);
    cache.set(project, found);
  }
  return found;
}

/** It is looked up again when it is needed next: it may have been deleted. */
export function forgetDefaultSession(project: Project): void {
  cache.delete(project);
}

async function ensureDefault(project: Project): Promise<SessionId> {
  const session = await project.store.execute(ensureSession, {
    name: "tasks",
    goal: null,
    planFile: null,
    planFingerprint: null,
    concurrency: null,
    maxUnfinished: project.config.limits.unfinishedTasks,
    metadata: {},
    status: "active",
  });
  return session.id;
}
