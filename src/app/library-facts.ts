/** `perdure.facts`: what a project knows, from code. */

import type { Fact, FactKind, FactStatus } from "../domain/fact.ts";
import type { FactId } from "../domain/ids.ts";
import { LIMITS } from "../domain/limits.ts";
import type { Recalled } from "../memory/recall.ts";
import { exportedFacts } from "../operations/facts-export.ts";
import { checkedRecall } from "../operations/recall.ts";
import type { FactImport } from "../store/commands/fact-import.ts";
import type { Fallen } from "../store/commands/fact-graph.ts";
import type { FactEvent, FactPage } from "../store/commands/fact-queries.ts";
import { factHistory, getFact, listFacts } from "../store/commands/fact-queries.ts";
import { resolveFact } from "../store/commands/fact-rows.ts";
import type { Remembered } from "../store/commands/facts.ts";
import { confirmFact, editFact, forgetFact, rememberFact } from "../store/commands/facts.ts";
import { checkedCalls } from "./checked-calls.ts";
import { FACT_SHAPES } from "./library-shapes.ts";
import type { Project } from "./open-project.ts";

export interface RememberOptions {
  readonly text: string;
  /** Where it comes from: a person, a task, a file. */
  readonly source: string;
  /** Default `finding`. */
  readonly kind?: FactKind;
  /** 0–1. Default 1. */
  readonly trust?: number;
  /** The fact it replaces, by id or the beginning of one. */
  readonly supersedes?: string;
  /** Facts it is built on, likewise. */
  readonly dependsOn?: readonly string[];
  /** Record it even though it says what a fact said that was replaced or forgotten. Default: no. */
  readonly again?: boolean;
}

export interface RecallOptions {
  readonly query: string;
  /** Of the answer's text, counted with a tokenizer. Default 1,000. */
  readonly maxTokens?: number;
  /** Default: all. */
  readonly kinds?: readonly FactKind[];
  /** Default: those in force, `active` and `questioned`. */
  readonly statuses?: readonly FactStatus[];
  /** Most facts. Default 20. */
  readonly limit?: number;
}

export interface FactFilter {
  readonly kinds?: readonly FactKind[];
  readonly statuses?: readonly FactStatus[];
  /** Exactly this source. */
  readonly source?: string;
  /** `next` of the page before. */
  readonly after?: number;
  /** Default 20. */
  readonly limit?: number;
}

/** A fact that no longer holds, and what that has put in question. */
export type ForgottenFact = Fallen;

export interface Facts {
  /**
   * Records a fact. A text that says what a fact in force says (whatever its case, spacing or punctuation, also as a line
   * that was recalled) is that fact again; what a fallen fact said is not recorded, unless with `supersedes` or `again`.
   *
   * @throws PerdureError `invalid-input`, `not-found`, `wrong-state`, `limit-reached`; nothing has changed then
   */
  remember(fact: RememberOptions): Promise<Remembered>;
  /** The facts that answer a query best, within a budget of tokens, each with its source. */
  recall(query: string | RecallOptions): Promise<Recalled>;
  /** By id or the beginning of one. @throws PerdureError `not-found` */
  get(reference: string): Promise<Fact>;
  /** Newest first, a page at a time. */
  list(filter?: FactFilter): Promise<FactPage>;
  /** Takes a fact out of force. What was built on it, directly or through others, is questioned. */
  forget(reference: string, reason: string): Promise<ForgottenFact>;
  /** Says that a questioned fact still holds. */
  confirm(reference: string, note?: string): Promise<Fact>;
  /** Rewords a fact: a new version of it, on which nothing falls. */
  edit(reference: string, text: string): Promise<Fact>;
  /** What was said before, of the fact and of those it replaced or was replaced by; oldest first. */
  history(reference: string): Promise<readonly FactEvent[]>;
  /** As JSON lines. */
  export(filter?: Pick<FactFilter, "kinds" | "statuses">): Promise<string>;
  /**
   * Takes in what `export` wrote; what is known stays as it is. A file with a fault is refused whole. A long one is taken in
   * by parts: when the process dies meanwhile, importing it again takes in the rest.
   */
  import(file: string): Promise<FactImport>;
}

export function libraryFacts(project: Project): Facts {
  const { store } = project;
  const find = (reference: string): Promise<FactId> => store.execute(resolveFact, { reference });
  const api: Facts = {
    async remember({ text, source, kind = "finding", trust = 1, supersedes, dependsOn = [], again = false }) {
      const bases: FactId[] = [];
      for (const reference of dependsOn) bases.push(await find(reference));
      const replaced = supersedes === undefined ? null : await find(supersedes);
      return await store.execute(rememberFact, {
        text,
        source,
        kind,
        trust,
        again,
        supersedes: replaced,
        dependsOn: bases,
      });
    },
    async recall(said) {
      const { query, maxTokens, kinds, statuses, limit } = typeof said === "string" ? { query: said } : said;
      return await checkedRecall(project, {
        query,
        kinds: kinds ?? null,
        statuses: statuses ?? ["active", "questioned"],
        maxTokens: maxTokens ?? 1_000,
        limit: limit ?? 20,
      });
    },
    get: async (reference) => await store.execute(getFact, { factId: await find(reference) }),
    list: ({ kinds, statuses, source, after, limit } = {}) =>
      store.execute(listFacts, {
        kinds: kinds ?? null,
        statuses: statuses ?? null,
        source: source ?? null,
        from: "newest",
        after: after ?? null,
        limit: Math.min(limit ?? 20, LIMITS.listLimit),
      }),
    forget: async (reference, reason) => await store.execute(forgetFact, { factId: await find(reference), reason }),
    confirm: async (reference, note) =>
      await store.execute(confirmFact, { factId: await find(reference), note: note ?? null }),
    edit: async (reference, text) => await store.execute(editFact, { factId: await find(reference), text }),
    history: async (reference) => await store.execute(factHistory, { factId: await find(reference) }),
    async export({ kinds, statuses } = {}) {
      const [{ factsToFile }, facts] = await Promise.all([
        import("../memory/fact-file.ts"),
        exportedFacts(project, { kinds: kinds ?? null, statuses: statuses ?? null }),
      ]);
      return factsToFile(facts);
    },
    async import(file) {
      const { importFactFile } = await import("../memory/import-facts.ts");
      return await importFactFile(project, new TextEncoder().encode(file));
    },
  };
  return checkedCalls("perdure.facts", api, FACT_SHAPES);
}
