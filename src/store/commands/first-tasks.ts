/** Tasks that name no session where none is open: the one they go into is made with them. */

import type { Task } from "../../domain/task.ts";
import type { NewTask } from "../new-task.ts";
import type { Command } from "../command.ts";
import { defineWrite } from "../command.ts";
import { createTasks } from "./create-tasks.ts";
import type { NewSession } from "./sessions.ts";
import { ensureSession } from "./sessions.ts";

export interface CreateFirstTasks {
  readonly session: NewSession;
  readonly tasks: readonly NewTask[];
}

/** Atomic: refused tasks leave no session behind. Throws as `createTasks` does. */
export const createFirstTasks = defineWrite("create-first-tasks", function* (context, input: CreateFirstTasks): Command<
  readonly Task[]
> {
  const { id: sessionId } = yield* ensureSession.perform(context, input.session);
  return yield* createTasks.perform(context, { sessionId, tasks: input.tasks });
});
