/** What a growing conversation costs with a checkpoint after every turn: time a turn, and bytes on disk. */

import { readdirSync, statSync } from "node:fs";
import { join } from "node:path";

import { syncRate } from "../harness/machine.ts";
import type { Program } from "../harness/program.ts";
import { runAlone } from "../harness/program.ts";
import type { Benchmark } from "../harness/report.ts";
import { check, number, ratio } from "../harness/report.ts";
import { withScratch } from "../harness/scratch.ts";
import { median, percentile } from "../harness/statistics.ts";
import { openSaver, putState } from "../subjects/langgraph.ts";
import { published } from "../subjects/published.ts";

interface Load {
  readonly subject: "perdure" | "langgraph";
  readonly directory: string;
  readonly turns: number;
  readonly turnBytes: number;
}

interface Measured {
  /** A turn: the message and the checkpoint, durable. */
  readonly turnMs: readonly number[];
  /** Of all files after closing. */
  readonly sizeBytes: number;
}

const program: Program<Load, Measured> = {
  url: import.meta.url,
  async run(load) {
    const turnMs = load.subject === "perdure" ? await talkToPerdure(load) : await talkToLangGraph(load);
    return { turnMs, sizeBytes: sizeOf(load.directory) };
  },
};

export default program;

async function talkToPerdure({ directory, turns, turnBytes }: Load): Promise<readonly number[]> {
  const { openPerdure } = await published<typeof import("../../src/index.ts")>("index.js");
  const perdure = await openPerdure({ project: directory });
  const { id } = await perdure.sessions.create({ name: "talk" });
  const turnMs = await timedTurns(turns, async (turn) => {
    await perdure.sessions.messages.append(id, { role: roleOf(turn), content: textOf(turn, turnBytes) });
    await perdure.checkpoints.create(id);
  });
  await perdure.close();
  return turnMs;
}

async function talkToLangGraph({ directory, turns, turnBytes }: Load): Promise<readonly number[]> {
  const { saver, close } = await openSaver(join(directory, "checkpoints.db"));
  const messages: unknown[] = [];
  let config: Readonly<Record<string, unknown>> = { configurable: { thread_id: "talk", checkpoint_ns: "" } };
  const turnMs = await timedTurns(turns, async (turn) => {
    messages.push({ role: roleOf(turn), content: textOf(turn, turnBytes) });
    config = await putState(saver, { turn, messages, config });
  });
  close();
  return turnMs;
}

async function timedTurns(turns: number, take: (turn: number) => Promise<void>): Promise<readonly number[]> {
  const turnMs: number[] = [];
  for (let turn = 0; turn < turns; turn += 1) {
    const startedAt = performance.now();
    await take(turn);
    turnMs.push(performance.now() - startedAt);
  }
  return turnMs;
}

function roleOf(turn: number): "user" | "assistant" {
  return turn % 2 === 0 ? "user" : "assistant";
}

/** No two are alike, as in a conversation. */
function textOf(turn: number, bytes: number): string {
  let text = "";
  for (let word = turn * 7_919 + 13; text.length < bytes; word = (word * 1_103_515_245 + 12_345) % 2_147_483_648) {
    text += `${(word % 100_000).toString(36)} `;
  }
  return text.slice(0, bytes);
}

function sizeOf(directory: string): number {
  return readdirSync(directory, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .reduce((sum, { parentPath, name }) => sum + statSync(join(parentPath, name)).size, 0);
}

export const conversation: Benchmark = {
  name: "conversation",
  title: "A conversation with a checkpoint after every turn",
  async run({ isQuick }) {
    const syncsPerSecond = syncRate({ seconds: 0.5 });
    const found = [];
    for (const turnBytes of [400, 2_000, 8_000]) {
      for (const turns of isQuick ? [200] : [200, 1_000]) {
        for (const subject of ["perdure", "langgraph"] as const) {
          const measured = await withScratch((directory) =>
            runAlone(program, { subject, directory, turns, turnBytes }),
          );
          found.push({ subject, turns, turnBytes, raw: turns * turnBytes, ...measured });
        }
      }
    }
    return {
      columns: ["", "bytes a turn", "turns", "turn p50 ms", "p99 ms", "first tenth", "last tenth", "kB", "of the raw"],
      rows: found.map(({ subject, turns, turnBytes, raw, turnMs, sizeBytes }) => [
        subject,
        number(turnBytes),
        number(turns),
        number(median(turnMs)),
        number(percentile(turnMs, 99)),
        number(median(turnMs.slice(0, turns / 10))),
        number(median(turnMs.slice(-turns / 10))),
        number(sizeBytes / 1_000),
        ratio(sizeBytes / raw),
      ]),
      notes: [
        "One turn after another, durable before the next (WAL FULL). A turn is a message and a checkpoint with the environment here, one put there.",
        "Perdure's kB are all it has in .perdure: the database, its mirror and the files for people, with what an empty one takes.",
        `Meanwhile the disk did ${number(syncsPerSecond)} fsync/s.`,
      ],
      checks: found
        .filter(({ subject, turns, turnBytes }) => subject === "perdure" && turns >= 200 && turnBytes >= 2_000)
        .map(({ turns, turnBytes, raw, sizeBytes }) =>
          check(`bytes of ${turns} turns of ${turnBytes}`, { actual: sizeBytes / raw, atMost: 4, unit: "× the raw" }),
        ),
    };
  },
};
