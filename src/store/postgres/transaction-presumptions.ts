/** What one transaction goes by without having read it, on which conditions, and what it learns for those after it. */

import type { Row, Running, SqlValue, Statement } from "../command.ts";
import type { NotedChange } from "../ready-notes.ts";
import type { Numbering } from "./numbering.ts";
import type { LogSpan, Recollection } from "./recollection.ts";

interface PresumptionsOptions {
  readonly recollection: Recollection;
  readonly projectId: string;
  /** The newest change this store knows of. */
  readonly knownSeq: number | null;
  /** Whether the log tells of changes of this transaction. */
  hasLogged(): boolean;
}

const NEWEST_IS = "(select coalesce(max(seq), 0) from changes where project_id = ?) = ?";

export class TransactionPresumptions {
  readonly #options: PresumptionsOptions;
  /** Learnt by a commit alone: what is done again must not go by what it read the first time. */
  readonly #rows = new Map<string, Row>();
  readonly #running = new Map<string, Running>();
  readonly #dependedOn = new Set<SqlValue | undefined>();
  /** Unless they hold when the log is appended the server fails the transaction, which `isPresumedWrongly` tells. */
  #presumed: Statement[] = [];
  #isAlone = false;

  constructor(options: PresumptionsOptions) {
    this.#options = options;
  }

  presume(holds: Statement): void {
    this.#presumed.push(holds);
  }

  /** Those that no statement looks at yet. */
  takePresumed(): readonly Statement[] {
    return this.#presumed.splice(0);
  }

  /** Whether it may go by what holds as long as nobody else writes. Then it fails when somebody has. */
  presumeAlone(): boolean {
    if (this.#isAlone) return true;
    const { recollection, projectId, knownSeq, hasLogged } = this.#options;
    if (hasLogged() || !recollection.isAlone || !recollection.isOf(knownSeq)) return false;
    this.#isAlone = true;
    this.presume({ sql: NEWEST_IS, params: [projectId, knownSeq] });
    return true;
  }

  /** The newest change before its own, if it goes by that; else `null`. */
  get before(): number | null {
    return this.#isAlone ? this.#options.knownSeq : null;
  }

  recall(key: string, holds: Statement): Row | undefined {
    const { recollection } = this.#options;
    const row = recollection.isTrusted ? recollection.recall(key) : undefined;
    if (row !== undefined) this.presume(holds);
    return row;
  }

  remember(key: string, row: Row): void {
    this.#rows.set(key, row);
  }

  forget(key: string): void {
    this.#rows.delete(key);
    this.#options.recollection.forget(key);
  }

  recallRunning(executionId: string): Running | undefined {
    const running = this.#options.recollection.running(executionId);
    return running !== undefined && this.presumeAlone() ? running : undefined;
  }

  rememberRunning(running: Running): void {
    if (!this.#dependedOn.has(running.task.id)) this.#running.set(String(running.execution.id), running);
  }

  noteChange(change: NotedChange): void {
    const { entity, row } = change;
    this.#options.recollection.forgetChanged(change);
    if (entity === "dependencies") this.#dependedOn.add(row.depends_on_id);
    if (entity === "dependencies" || entity === "tasks" || entity === "executions") this.#running.clear();
  }

  /** After the commit. */
  async learn(span: LogSpan, numbering: Numbering): Promise<void> {
    const { recollection } = this.#options;
    const left = await numbering.left();
    recollection.moveOn(span);
    recollection.learnRows(this.#rows);
    recollection.learnRunning(this.#running);
    recollection.learnNumbers(left, numbering.highest);
  }
}
