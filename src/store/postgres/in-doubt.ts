/** Whether a commit that was sent and not answered took place. */

import type { Outcome } from "./calls.ts";
import type { CommitMark } from "./commit-mark.ts";
import type { Transaction } from "./transaction.ts";

/** What a group came to whose commit was sent and not answered. */
export class InDoubt {
  #sent: { readonly mark: CommitMark; readonly outcomes: readonly Outcome[] } | null = null;

  enter(mark: CommitMark, outcomes: readonly Outcome[]): void {
    this.#sent = { mark, outcomes };
  }

  leave(): void {
    this.#sent = null;
  }

  /** The outcomes, if it turns out to have been committed; `null` when there is none or it was not. */
  async settle(transaction: Transaction): Promise<readonly Outcome[] | null> {
    if (this.#sent === null) return null;
    const { mark, outcomes } = this.#sent;
    const isCommitted = await transaction.wasCommitted(mark);
    this.#sent = null;
    return isCommitted ? outcomes : null;
  }
}
