/** Recall over 100,000 facts, whose words are as unevenly common as those of a language. */

import { durabilityOf, watchingConnections } from "../harness/durability.ts";
import type { Program } from "../harness/program.ts";
import { runAlone } from "../harness/program.ts";
import type { Benchmark } from "../harness/report.ts";
import { check, number } from "../harness/report.ts";
import { withScratch } from "../harness/scratch.ts";
import { median, percentile } from "../harness/statistics.ts";
import { published } from "../subjects/published.ts";

const FACTS = 100_000;
const WORDS = 20_000;

interface MeasureRecall {
  readonly directory: string;
  readonly queries: number;
}

interface RecallTimes {
  readonly durability: string;
  readonly importMs: number;
  readonly remember: readonly number[];
  readonly recall: readonly number[];
  /** Of the most common words only. */
  readonly common: readonly number[];
  readonly found: number;
}

const measureRecall: Program<MeasureRecall, RecallTimes> = {
  url: import.meta.url,
  async run({ directory, queries }) {
    const { openPerdure } = await published<typeof import("../../src/index.ts")>("index.js");
    const { seededRandom } = await published<typeof import("../../src/testing/index.ts")>("testing/index.js");
    const { opened: perdure, connections } = await watchingConnections(() => openPerdure({ project: directory }));
    const random = seededRandom(7);
    // Zipf's law: the word of rank r is about 1/r as common as the first. No word is a beginning of another's stem.
    const word = (): string =>
      `q${Math.floor(WORDS ** random.next())
        .toString(26)
        .replaceAll(/\d/g, "z")}x`;
    const text = (words: number): string => Array.from({ length: words }, word).join(" ");
    const lines = Array.from({ length: FACTS }, (_, at) =>
      JSON.stringify({
        id: random.uuid(),
        kind: ["decision", "pattern", "constraint", "finding"][at % 4],
        text: `${text(8 + (at % 24))} ${at}`,
        source: "bench",
      }),
    );
    const importMs = await timed(() => perdure.facts.import(['{"perdureFacts":1}', ...lines].join("\n")));
    await perdure.facts.recall("warm");
    const remember: number[] = [];
    const recall: number[] = [];
    const common: number[] = [];
    let found = 0;
    for (let at = 0; at < queries; at += 1) {
      const fact = { text: `${text(20)} fresh ${at}`, source: "bench" };
      remember.push(await timed(() => perdure.facts.remember(fact)));
      const query = text(1 + (at % 12));
      recall.push(await timed(async () => (found += (await perdure.facts.recall(query)).facts.length)));
      common.push(await timed(() => perdure.facts.recall("qbx qcx qdx qex qfx qgx")));
    }
    const durability = durabilityOf(connections);
    await perdure.close();
    return { durability, importMs, remember, recall, common, found };
  },
};

async function timed(act: () => Promise<unknown>): Promise<number> {
  const startedAt = performance.now();
  await act();
  return performance.now() - startedAt;
}

export default measureRecall;

export const facts: Benchmark = {
  name: "facts",
  title: `Recall over ${number(FACTS)} facts`,
  async run({ isQuick }) {
    const measured = await withScratch((directory) =>
      runAlone(measureRecall, { directory, queries: isQuick ? 100 : 400 }),
    );
    const { recall, common, remember } = measured;
    const columns = ["", "calls", "p50 ms", "p99 ms", "max ms"];
    const rows = Object.entries({ recall, "recall, common words": common, remember }).map(([what, all]) => [
      what,
      String(all.length),
      number(median(all)),
      number(percentile(all, 99)),
      number(percentile(all, 100)),
    ]);
    const notes = [
      `durability: ${measured.durability}; import of all facts in one transaction: ${number(measured.importMs)} ms`,
      `${number(measured.found / recall.length)} facts an answer, within 1,000 tokens; without an embedding model`,
    ];
    const checks = [
      check("recall, p50", { actual: median(recall), atMost: 20, unit: "ms" }),
      check("recall, p99", { actual: percentile(recall, 99), atMost: 100, unit: "ms" }),
      check("recall of common words, p99", { actual: percentile(common, 99), atMost: 100, unit: "ms" }),
    ];
    return { columns, rows, notes, checks };
  },
};
