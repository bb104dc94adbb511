import { appendFileSync, mkdtempSync, readdirSync, rmSync, statSync, truncateSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

import fc from "fast-check";
import { afterEach, beforeEach, describe, it } from "vitest";

import { seededRandom } from "../base/random.ts";
import { artifactFiles } from "../store/artifact-files.ts";
import { openSqliteStore } from "../store/sqlite/sqlite-store.ts";
import type { Bench } from "../testing/store-suite/bench.ts";
import { createSuite } from "../testing/store-suite/bench.ts";
import type { Act } from "../testing/store-suite/workload.ts";
import { ACT_KINDS, playActs } from "../testing/store-suite/workload.ts";
import { compressClosedMonths } from "./journal-closing.ts";
import type { JournalMirror } from "./journal-mirror.ts";
import { journalMirror } from "./journal-mirror.ts";
import { expectRebuilds } from "./testing/rebuilt.ts";

const suite = createSuite({
  name: "sqlite in memory",
  open: async ({ storeName, ...deps }) => openSqliteStore({ path: ":memory:", projectName: storeName, ...deps }),
  openSecond: null,
});

let directory: string;
beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), "perdure-mirror-"));
});
afterEach(() => rmSync(directory, { recursive: true, force: true }));

const MONTH_MS = 31 * 86_400_000;

/** What happens to the journal between pieces of work. */
type Turn =
  | { readonly kind: "append"; readonly limit: number }
  /** Another process takes over. */
  | { readonly kind: "restart" }
  /** The process was killed while it wrote: the last bytes are missing, or what it wrote last is not whole. */
  | { readonly kind: "tear"; readonly bytes: number }
  | { readonly kind: "torn-tail"; readonly text: string }
  | { readonly kind: "next-month" }
  | { readonly kind: "large-value" }
  | { readonly kind: "compress" };

const aTurn: fc.Arbitrary<Turn> = fc.oneof(
  { weight: 6, arbitrary: fc.record({ kind: fc.constant("append" as const), limit: fc.integer({ min: 1, max: 40 }) }) },
  fc.record({ kind: fc.constant("restart" as const) }),
  fc.record({ kind: fc.constant("tear" as const), bytes: fc.integer({ min: 1, max: 900 }) }),
  fc.record({
    kind: fc.constant("torn-tail" as const),
    text: fc.constantFrom('{"seq":', "\0\0\0\0", '{"journal":1,"pro'),
  }),
  fc.record({ kind: fc.constant("next-month" as const) }),
  fc.record({ kind: fc.constant("large-value" as const) }),
  fc.record({ kind: fc.constant("compress" as const) }),
);
const pick = fc.nat({ max: 999 });
const anAct: fc.Arbitrary<Act> = fc.record({ kind: fc.constantFrom(...ACT_KINDS), picks: fc.tuple(pick, pick, pick) });
const aStretch = fc.record({ acts: fc.array(anAct, { maxLength: 12 }), turn: aTurn });

describe("the journal", () => {
  // A failure prints its seed and the shortest sequence found.
  it("rebuilds the store whatever was torn off it, whoever wrote it, in however many files", async () => {
    let run = 0;
    await fc.assert(
      fc.asyncProperty(fc.array(aStretch, { minLength: 3, maxLength: 14 }), async (stretches) => {
        run += 1;
        const place = join(directory, String(run));
        const bench = await suite.open();
        let mirror = openMirror(bench, place);
        for (const { acts, turn } of stretches) {
          await playActs(bench, acts, () => {});
          mirror = await take(turn, { bench, place, mirror });
        }
        while (!(await mirror.append(30)).isCaughtUp);
        await expectRebuilds(place, bench.store, await suite.openEmpty());
      }),
      { numRuns: 60, interruptAfterTimeLimit: 15_000 },
    );
  }, 30_000);
});

function openMirror({ store }: Bench, place: string): JournalMirror {
  const files = artifactFiles({ dir: join(place, "artifacts"), random: seededRandom(7) });
  return journalMirror({ store, directory: join(place, "journal"), artifactFiles: files });
}

let large = 0;

interface Setting {
  readonly bench: Bench;
  readonly place: string;
  readonly mirror: JournalMirror;
}

/** Returns the mirror that goes on. */
async function take(turn: Turn, { bench, place, mirror }: Setting): Promise<JournalMirror> {
  switch (turn.kind) {
    case "append":
      await mirror.append(turn.limit);
      return mirror;
    case "restart":
      return openMirror(bench, place);
    case "tear": {
      const file = newestFile(place);
      if (file !== null) truncateSync(file, Math.max(0, statSync(file).size - turn.bytes));
      return openMirror(bench, place);
    }
    case "torn-tail": {
      const file = newestFile(place);
      if (file !== null) appendFileSync(file, turn.text);
      return mirror;
    }
    case "next-month":
      bench.clock.advance(MONTH_MS);
      return mirror;
    case "large-value":
      large += 1;
      // Refused when an act has ended the session.
      await bench.create({ ref: `large-${large}`, input: `${large}`.repeat(70_000) }).catch(() => {});
      await bench.create({ ref: `line-${large}`, input: { text: `${large}`.repeat(20_000) } }).catch(() => {});
      return mirror;
    case "compress":
      await compressClosedMonths(join(place, "journal"));
      return mirror;
  }
}

function newestFile(place: string): string | null {
  try {
    const name = readdirSync(join(place, "journal"))
      .filter((each) => each.endsWith(".jsonl"))
      .toSorted()
      .at(-1);
    return name === undefined ? null : join(place, "journal", name);
  } catch {
    return null;
  }
}
