/** Facts: what is known is not recorded twice, what falls takes what was built on it along, and nothing is lost. */

import { describe, expect, it } from "vitest";

import { seededRandom } from "../../base/random.ts";
import { factLine } from "../../domain/fact-text.ts";
import type { Fact, FactStatus } from "../../domain/fact.ts";
import { FACT_STATUSES } from "../../domain/fact.ts";
import type { FactId } from "../../domain/ids.ts";
import { asId } from "../../domain/ids.ts";
import { LIMITS } from "../../domain/limits.ts";
import type { ImportedFact } from "../../store/commands/fact-import.ts";
import { importFacts } from "../../store/commands/fact-import.ts";
import { factHistory, getFact, listFacts } from "../../store/commands/fact-queries.ts";
import { resolveFact } from "../../store/commands/fact-rows.ts";
import { searchFacts } from "../../store/commands/fact-search.ts";
import type { RememberFact, Remembered } from "../../store/commands/facts.ts";
import { confirmFact, editFact, forgetFact, rememberFact } from "../../store/commands/facts.ts";
import type { Store } from "../../store/port.ts";
import { rebuildFromChanges } from "../../store/rebuild.ts";
import { dumpTables, withoutCoordination } from "../table-dump.ts";
import type { Suite } from "./bench.ts";
import { expectRefused } from "./bench.ts";
import { readLog } from "./log-suite.ts";

export function factsSuite(suite: Suite): void {
  const open = async () => {
    const bench = await suite.open();
    return { ...bench, ...shorthand(bench.store) };
  };

  describe("rememberFact", () => {
    it("records a fact whole", async () => {
      const { remember, get } = await open();
      const base = await remember("Money is kept in cents.", {
        kind: "constraint",
        source: "docs/money.md",
        trust: 0.8,
      });
      const { outcome, fact } = await remember("  Prices are integers  ", { dependsOn: [base.fact.id] });
      expect(outcome).toBe("recorded");
      expect(fact).toMatchObject({
        text: "Prices are integers",
        status: "active",
        version: 1,
        dependsOn: [base.fact.id],
      });
      expect(await get(fact.id)).toEqual(fact);
    });

    it("knows a text again, whatever its case, spacing and punctuation, and as a recalled line", async () => {
      const { remember, get } = await open();
      const { fact } = await remember("We use C# (version 12), not -Wall.", { trust: 0.5 });
      const other = await remember("Deploys run at noon");
      const echoes = [
        "we use c#  version 12, not -wall",
        "“We use C# (version 12), not -Wall”",
        factLine(fact),
        `1. ${factLine(fact).slice(2)}`,
        `Remember that we use C# (version 12), not -Wall!`,
        `${factLine(other.fact)}\n${factLine(fact)}\n`,
      ];
      for (const echo of echoes)
        expect([echo, (await remember(echo, { trust: 0.7 })).outcome]).toEqual([echo, "known"]);
      expect(await get(fact.id)).toMatchObject({ text: fact.text, source: "person", trust: 0.7, version: 1 });
      for (const different of ["We use C (version 12), not -Wall.", "We use C# (version 12), not Wall."])
        expect([different, (await remember(different)).outcome]).toEqual([different, "recorded"]);
    });

    it("does not take up again what was given up, unless asked", async () => {
      const { store, remember } = await open();
      const old = await remember("We use SQLite");
      const { fact } = await remember("We use Postgres", { supersedes: old.fact.id });
      expect(await remember("we use sqlite.")).toMatchObject({ outcome: "outdated", fact: { id: old.fact.id } });
      await store.execute(forgetFact, { factId: fact.id, reason: "it was a plan" });
      expect(await remember(factLine(fact))).toMatchObject({ outcome: "outdated", fact: { status: "retired" } });
      expect(await remember("We use Postgres", { again: true })).toMatchObject({ outcome: "recorded" });
      expect(await remember("We use Postgres")).toMatchObject({ outcome: "known" });
    });

    it("refuses what makes no sense, and changes nothing", async () => {
      const bench = await open();
      const { store, remember } = bench;
      const { fact } = await remember("a");
      const fallen = (await remember("b")).fact;
      await store.execute(forgetFact, { factId: fallen.id, reason: "wrong" });
      const refused = async (
        code: "invalid-input" | "limit-reached" | "not-found" | "wrong-state" | "conflict",
        sketch: Partial<RememberFact>,
      ) => await expectRefused(bench, code, () => remember(sketch.text ?? "new", sketch));
      await refused("invalid-input", { text: "  " });
      await refused("invalid-input", { text: "a\u0000" });
      await refused("invalid-input", { source: "" });
      await refused("invalid-input", { trust: 1.5 });
      await refused("invalid-input", { supersedes: fact.id, dependsOn: [fact.id] });
      await refused("limit-reached", { text: "x".repeat(LIMITS.factChars + 1) });
      await refused("not-found", { dependsOn: [asId("nowhere")] });
      await refused("not-found", { supersedes: asId("nowhere") });
      await refused("wrong-state", { dependsOn: [fallen.id] });
      await refused("wrong-state", { supersedes: fallen.id });
      await refused("conflict", { text: "A", supersedes: fact.id });
      await refused("invalid-input", { text: "A", dependsOn: [fact.id] });
      const above = (await remember("c", { dependsOn: [fact.id] })).fact;
      await refused("invalid-input", { text: "a", dependsOn: [above.id] });
    });
  });

  describe("a fact that falls", () => {
    it("questions what was built on it, directly or through others, until confirmed", async () => {
      const { store, remember, get } = await open();
      const base = (await remember("base")).fact;
      const near = (await remember("near", { dependsOn: [base.id] })).fact;
      const far = (await remember("far", { dependsOn: [near.id] })).fact;
      const beside = (await remember("beside")).fact;
      const { superseded } = await remember("new base", { supersedes: base.id });
      expect(superseded?.fact).toMatchObject({ id: base.id, status: "superseded" });
      expect(superseded?.questioned.map(({ id }) => id)).toEqual([near.id, far.id]);
      expect(await get(far.id)).toMatchObject({ status: "questioned", statusNote: expect.stringContaining("“base”") });
      expect((await get(beside.id)).status).toBe("active");
      expect(await store.execute(confirmFact, { factId: near.id, note: null })).toMatchObject({
        status: "active",
        statusNote: null,
      });
      await expect(store.execute(confirmFact, { factId: near.id, note: null })).rejects.toMatchObject({
        code: "wrong-state",
      });
      await expect(store.execute(forgetFact, { factId: base.id, reason: "x" })).rejects.toMatchObject({
        code: "wrong-state",
      });
    });

    it.each(suite.seeds(6))("reaches exactly its transitive dependents in force (seed %i)", async (seed) => {
      const { store, remember, get } = await open();
      const random = seededRandom(seed);
      const facts: Fact[] = [];
      const isInForce = new Set<string>();
      for (let at = 0; at < 40; at += 1) {
        const bases = facts.filter(({ id }) => isInForce.has(id) && random.next() < 0.12).map(({ id }) => id);
        const { fact } = await remember(`fact number ${at}`, { dependsOn: bases });
        facts.push(fact);
        isInForce.add(fact.id);
        if (random.next() > 0.2) continue;
        const victim = facts[Math.floor(random.next() * facts.length)];
        if (victim === undefined || !isInForce.delete(victim.id)) continue;
        const expected = transitiveDependents(facts, victim.id).filter((id) => isInForce.has(id));
        const fallen = await store.execute(forgetFact, { factId: victim.id, reason: "drawn by lot" });
        expect(fallen.questioned.map(({ id }) => id)).toEqual(expected);
        for (const { id } of facts.filter((other) => isInForce.has(other.id) && expected.includes(other.id)))
          expect((await get(id)).status).toBe("questioned");
      }
      const statuses = await Promise.all(facts.map(async ({ id }) => [isInForce.has(id), (await get(id)).status]));
      expect(statuses.every(([inForce, status]) => (status === "retired") === !inForce)).toBe(true);
    });
  });

  describe("the past of a fact", () => {
    it("keeps every wording, along the chain of supersession", async () => {
      const { store, remember } = await open();
      const one = (await remember("We shall use SQLite")).fact;
      const reworded = await store.execute(editFact, { factId: one.id, text: "We use SQLite" });
      expect(reworded).toMatchObject({ id: one.id, version: 2 });
      const two = (await remember("We use Postgres", { supersedes: one.id })).fact;
      for (const factId of [one.id, two.id]) {
        const history = await store.execute(factHistory, { factId });
        expect(history.map(({ verb, text }) => [verb, text])).toEqual([
          ["remember", "We shall use SQLite"],
          ["edit", "We use SQLite"],
          ["remember", "We use Postgres"],
          ["supersede", null],
        ]);
      }
      await expect(store.execute(editFact, { factId: one.id, text: "x" })).rejects.toMatchObject({
        code: "wrong-state",
      });
      const third = (await remember("third")).fact;
      const same = store.execute(editFact, { factId: third.id, text: "we use postgres." });
      await expect(same).rejects.toMatchObject({ code: "conflict" });
    });

    it("can be rebuilt from the log alone, and searched after", async () => {
      const { store, remember } = await open();
      const one = (await remember("caching of pages")).fact;
      await remember("cached pages expire", { dependsOn: [one.id] });
      await remember("no caches", { supersedes: one.id });
      await store.execute(importFacts, { facts: [aFact({ text: "imported" })], places: new Map() });
      const rebuilt = await suite.openEmpty();
      await rebuilt.execute(rebuildFromChanges, { changes: await readLog(store) });
      expect(withoutCoordination(await dumpTables(rebuilt))).toEqual(withoutCoordination(await dumpTables(store)));
      expect(await search(rebuilt, ["cache"])).toEqual(["no caches", "cached pages expire"]);
      expect(await search(rebuilt, ["cache"], ["superseded"])).toEqual(["caching of pages"]);
    });
  });

  describe("resolveFact and listFacts", () => {
    it("take the beginning of an id, and filter page by page", async () => {
      const { store, remember } = await open();
      const { fact } = await remember("a", { kind: "decision", source: "x" });
      for (const text of ["b", "c", "d"]) await remember(text);
      expect(await store.execute(resolveFact, { reference: fact.id.slice(0, 9) })).toBe(fact.id);
      for (const reference of ["", "%", "zzz", "' or 1=1"])
        await expect(store.execute(resolveFact, { reference })).rejects.toMatchObject({ code: "not-found" });
      const all = { kinds: null, statuses: null, source: null, from: "newest", after: null, limit: 2 } as const;
      const first = await store.execute(listFacts, all);
      const second = await store.execute(listFacts, { ...all, after: first.next });
      expect([...first.facts, ...second.facts].map(({ text }) => text)).toEqual(["d", "c", "b", "a"]);
      expect(second.next).toBeNull();
      const chosen = await store.execute(listFacts, { ...all, kinds: ["decision"], source: "x", statuses: ["active"] });
      expect(chosen.facts.map(({ text }) => text)).toEqual(["a"]);
    });
  });

  describe("importFacts", () => {
    it("brings all over with their history, and nothing the second time", async () => {
      const from = await open();
      const one = (await from.remember("one")).fact;
      await from.remember("two", { dependsOn: [one.id] });
      await from.remember("three", { supersedes: one.id });
      const facts = await allFacts(from.store);
      const into = await open();
      await into.remember("Two.");
      const first = await into.store.execute(importFacts, { facts, places: new Map() });
      expect(first).toMatchObject({ added: 2, known: 1, outdated: 0, renamed: 0, lostReferences: 0 });
      expect((await allFacts(into.store)).map(({ text, status }) => [text, status])).toEqual([
        ["Two.", "active"],
        ["one", "superseded"],
        ["three", "active"],
      ]);
      const again = await into.store.execute(importFacts, { facts, places: new Map() });
      expect(again).toMatchObject({ added: 0, known: 3 });
    });

    it("gives a new id where one is taken, lets an old fact fall, and says what leads nowhere", async () => {
      const { store, remember, get } = await open();
      const mine = (await remember("mine")).fact;
      const taken = aFact({ id: mine.id, text: "theirs" });
      const replacing = aFact({ text: "better", supersedesId: mine.id, dependsOn: [asId(UUIDS[7] ?? ""), taken.id] });
      const imported = await store.execute(importFacts, { facts: [replacing], places: new Map() });
      expect(imported).toMatchObject({ added: 1, lostReferences: 1 });
      expect((await get(mine.id)).status).toBe("superseded");
      expect(await store.execute(importFacts, { facts: [taken], places: new Map() })).toMatchObject({
        added: 1,
        renamed: 1,
      });
    });

    it("takes two facts of the file that say the same for one", async () => {
      const { store } = await open();
      const [a = "", b = "", c = ""] = UUIDS;
      const twins = [aFact({ id: a, text: "Same." }), aFact({ id: b, text: "same" })];
      const built = aFact({ id: c, text: "built", dependsOn: [asId(a), asId(b)] });
      const imported = await store.execute(importFacts, { facts: [...twins, built], places: new Map() });
      expect(imported).toMatchObject({ added: 2, known: 1, lostReferences: 0 });
      expect((await allFacts(store)).at(-1)?.dependsOn).toEqual([a]);
    });

    it("refuses a file with a circle, an id twice or a fact that is none, whole", async () => {
      const bench = await open();
      const [a = "", b = ""] = UUIDS;
      const circle = [
        aFact({ id: a, text: "a", dependsOn: [asId(b)] }),
        aFact({ id: b, text: "b", dependsOn: [asId(a)] }),
      ];
      const twice = [aFact({ id: a, text: "a" }), aFact({ id: a, text: "b" })];
      for (const facts of [circle, twice, [aFact({ text: "ok" }), aFact({ id: a, text: " " })]])
        await expectRefused(bench, "invalid-input", () =>
          bench.store.execute(importFacts, { facts, places: new Map() }),
        );
    });
  });
}

function shorthand(store: Store) {
  return {
    remember: (text: string, sketch: Partial<RememberFact> = {}): Promise<Remembered> =>
      store.execute(rememberFact, {
        kind: "finding",
        source: "person",
        trust: 0.5,
        supersedes: null,
        dependsOn: [],
        again: false,
        ...sketch,
        text,
      }),
    get: (factId: FactId) => store.execute(getFact, { factId }),
  };
}

function transitiveDependents(facts: readonly Fact[], id: string): readonly string[] {
  const reached = new Set<string>([id]);
  // Facts are built on earlier ones only, so one pass in their order reaches all.
  for (const fact of facts) if (fact.dependsOn.some((base) => reached.has(base))) reached.add(fact.id);
  reached.delete(id);
  return [...reached];
}

async function search(
  store: Store,
  terms: readonly string[],
  statuses: readonly FactStatus[] = ["active", "questioned"],
) {
  const found = await store.execute(searchFacts, { terms, unspaced: [], kinds: null, statuses, limit: 10 });
  return found.facts.map(({ text }) => text);
}

async function allFacts(store: Store): Promise<readonly Fact[]> {
  const input = {
    kinds: null,
    statuses: FACT_STATUSES,
    source: null,
    from: "oldest",
    after: null,
    limit: 1_000,
  } as const;
  return (await store.execute(listFacts, input)).facts;
}

const UUIDS = Array.from({ length: 8 }, (_, at) => `00000000-0000-4000-8000-00000000000${at}`);

function aFact(sketch: Omit<Partial<ImportedFact>, "id"> & { readonly id?: string }): ImportedFact {
  return {
    kind: "finding",
    text: "a fact",
    source: "elsewhere",
    trust: 1,
    status: "active",
    statusNote: null,
    supersedesId: null,
    dependsOn: [],
    version: 1,
    createdAt: 0,
    ...sketch,
    id: asId(sketch.id ?? UUIDS[5] ?? ""),
  };
}
