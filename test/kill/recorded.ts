/** What a project's database has recorded, read by a connection of its own after the processes were killed. */

import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";

export interface Recorded {
  /** Effects, as `kill-plan.ts` writes them, of tasks and steps recorded as completed. */
  readonly effects: readonly string[];
  readonly sessions: number;
  /** Whether a process got as far as telling that all is done. */
  readonly isEndTold: boolean;
  readonly completedTasks: number;
  /** Holds that a process had when it was killed: execution and fencing token. */
  readonly holds: readonly string[];
  readonly claimsByWorker: ReadonlyMap<string, number>;
  readonly recoveries: readonly { readonly note: string }[];
  readonly invariantBreaches: readonly string[];
}

export function readRecorded(projectDir: string): Recorded {
  const database = new DatabaseSync(join(projectDir, ".perdure", "perdure.db"), { timeout: 10_000 });
  try {
    const all = (sql: string): readonly Record<string, unknown>[] => database.prepare(sql).all();
    const tasks = all("select key from tasks where status = 'completed' and executor = 'command'");
    const steps = all(
      "select t.key as key, s.name as name from steps s join tasks t on t.id = s.task_id where s.status = 'completed'",
    );
    return {
      effects: [
        ...tasks.map(({ key }) => `end ${String(key)}`),
        ...steps.map(({ key, name }) =>
          name === "last" ? `end ${String(key)}` : `step ${String(key)}/${String(name)}`,
        ),
      ],
      isEndTold: all("select id from sessions where end_told_at is not null").length > 0,
      sessions: Number(all("select count(*) as n from sessions")[0]?.n),
      completedTasks: Number(all("select count(*) as n from tasks where status = 'completed'")[0]?.n),
      holds: all("select id, fence from executions where status = 'running'").map(
        ({ id, fence }) => `${String(id)} ${String(fence)}`,
      ),
      claimsByWorker: new Map(
        all("select actor, count(*) as n from changes where verb = 'claim' and entity = 'tasks' group by actor").map(
          ({ actor, n }) => [String(actor), Number(n)],
        ),
      ),
      recoveries: all("select note from changes where verb = 'recover' and entity = 'executions'").map(({ note }) => ({
        note: String(note),
      })),
      invariantBreaches: [
        ...all(
          `select t.key as key from tasks t join dependencies d on d.task_id = t.id join tasks n on n.id = d.depends_on_id
            where t.status in ('in_progress', 'completed') and n.status <> 'completed'`,
        ).map(({ key }) => `INV-4: ${String(key)} ran before what it needs`),
        ...all("select task_id from executions where status = 'running' group by task_id having count(*) > 1").map(
          ({ task_id }) => `INV-3: two executions of ${String(task_id)} run`,
        ),
      ],
    };
  } finally {
    database.close();
  }
}
