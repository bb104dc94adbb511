/** Agents that work through a project over MCP while they and their servers are killed at random moments. */

import type { ChildProcess } from "node:child_process";
import { spawn } from "node:child_process";
import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { createInterface } from "node:readline";

import { afterEach, beforeEach, describe, expect, test } from "vitest";

import { openProject } from "../src/app/open-project.ts";
import { seededRandom } from "../src/base/random.ts";
import { factsList } from "../src/operations/facts-list.ts";
import { log } from "../src/operations/log.ts";
import { runOperation } from "../src/operations/operation.ts";
import { taskList } from "../src/operations/task-list.ts";
import type { Noted } from "./mcp/agent-plan.ts";
import { AGENT_PLAN, readyAfter } from "./mcp/agent-plan.ts";
import type { McpProcesses } from "./mcp/mcp-processes.ts";
import { createMcpProcesses } from "./mcp/mcp-processes.ts";

const PROGRAM = join(import.meta.dirname, "mcp/agent-program.ts");
const KILLS = 10;
/** An agent writes down two things about the brief and three about each task before it is killed, so many of them at most. */
const LONGEST_LIFE_NOTES = 9;
/** And so long after the last of them, to be between any two. */
const LONGEST_LAST_MS = 300;

let servers: McpProcesses;
const started = new Set<ChildProcess>();

beforeEach(() => {
  servers = createMcpProcesses();
});

afterEach(() => {
  for (const child of started) killGroup(child);
  servers.end();
});

interface Agent {
  readonly name: string;
  /** By the ones of this name that were killed before it. */
  readonly notedBefore: number;
  readonly process: ChildProcess;
  /** Its server's process id, once it is connected. */
  readonly connected: Promise<number>;
  readonly ended: Promise<number | null>;
}

function startAgent(name: string, workMs: number): Agent {
  const notedBefore = notes().filter(({ agent }) => agent === name).length;
  const { command, args } = servers.command;
  const words = [PROGRAM, name, notesFile(), String(workMs), command, ...args];
  // In a group of its own, so that it can be killed together with its server.
  const child = spawn(process.execPath, words, { stdio: ["ignore", "pipe", "inherit"], detached: true });
  started.add(child);
  const ended = new Promise<number | null>((settle) => child.once("exit", settle));
  const connected = new Promise<number>((found, failed) => {
    createInterface({ input: child.stdout }).on("line", (line) => found(Number(line.split(" ")[1])));
    void ended.then((code) => failed(new Error(`${name} ended with ${code} before it was connected`)));
  });
  connected.catch(() => {});
  return { name, notedBefore, process: child, connected, ended };
}

function killGroup({ pid }: ChildProcess): void {
  if (pid !== undefined) killProcess(-pid);
}

function killProcess(pid: number): void {
  try {
    process.kill(pid, "SIGKILL");
  } catch {
    // Gone already.
  }
}

const notesFile = (): string => join(servers.directory, "notes.jsonl");

function notes(): readonly Noted[] {
  if (!existsSync(notesFile())) return [];
  const lines = readFileSync(notesFile(), "utf8").split("\n");
  // The last may have been cut short by a kill.
  return lines.filter((line) => line.endsWith("}")).map((line) => JSON.parse(line) as Noted);
}

const pause = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));

/** Resolves once the agent has written down so many things since it was started, or has ended. */
async function hasNoted({ name, process: child, notedBefore }: Agent, count: number): Promise<void> {
  const byAgent = (): number => notes().filter(({ agent }) => agent === name).length;
  while (byAgent() < notedBefore + count && child.exitCode === null && child.signalCode === null) await pause(15);
}

const tasksOf = (what: Noted["what"], noted = notes()): readonly string[] =>
  noted.flatMap((each) => (each.what === what && "task" in each ? [each.task] : []));

/** What must hold of what the agents wrote down, whenever they were killed. */
function expectNothingDoneTwice(): void {
  const acknowledged = new Set<string>();
  for (const each of notes()) {
    if (each.what === "took")
      expect(acknowledged, `${each.task} was handed out after it was done`).not.toContain(each.task);
    if (each.what !== "acknowledged") continue;
    expect(acknowledged, `${each.task} was completed twice`).not.toContain(each.task);
    acknowledged.add(each.task);
  }
}

/** Each brief says exactly what is done, what someone is at, and what is ready: nothing is missing and nothing too much. */
function expectBriefsExact(): number {
  const noted = notes();
  const briefs = noted.flatMap((each, at) => {
    if (each.what !== "brief") return [];
    const asked = noted.findLastIndex(({ what, agent }, of) => of < at && what === "asks" && agent === each.agent);
    return [{ ...each, before: noted.slice(0, asked) }];
  });
  for (const { done, now, next, before } of briefs) {
    const said = new Set(done);
    for (const task of tasksOf("acknowledged", before)) expect(done).toContain(task);
    const reported = new Set(tasksOf("reporting", noted));
    for (const task of done) expect(reported).toContain(task);
    expect([...now, ...next].toSorted()).toEqual([...readyAfter(said)].toSorted());
  }
  return briefs.length;
}

async function expectAllDoneOnce(): Promise<void> {
  const project = await openProject({
    directory: servers.directory,
    isExact: true,
    store: null,
    durability: null,
    actor: "test",
  });
  try {
    const { items } = await runOperation(taskList, project, { input: { limit: 100, all: true } });
    expect(items.map(({ key, status, retryCount }) => [key, status, retryCount])).toEqual(
      AGENT_PLAN.map(({ id }) => [id, "completed", 0]),
    );
    const completions: string[] = [];
    for (const { key } of items) {
      const { items: changes } = await runOperation(log, project, { input: { task: key, limit: 200 } });
      completions.push(
        ...changes.filter(({ entity, verb }) => entity === "tasks" && verb === "complete").map(() => `${key}`),
      );
    }
    expect(completions).toEqual(AGENT_PLAN.map(({ id }) => id));
    const facts = await runOperation(factsList, project, { input: { limit: 100 } });
    expect(facts.items.map(({ source }) => source).toSorted()).toEqual(
      AGENT_PLAN.map(({ id }) => `task ${id}`).toSorted(),
    );
  } finally {
    await project.close();
  }
}

const SEED = Number(process.env.PERDURE_SEED ?? 20_261_121);

describe("agents over MCP", () => {
  test.each([
    [1, 100],
    [3, 400],
  ])(
    "%i at once, killed ten times with their servers, finish what fresh ones find in the brief",
    async (count, workMs) => {
      const random = seededRandom(SEED + count);
      const names = Array.from({ length: count }, (_, at) => `agent${at + 1}`);
      let agents = names.map((name) => startAgent(name, workMs));
      let killsAtWork = 0;
      for (let kill = 1; kill <= KILLS; kill += 1) {
        const at = Math.floor(random.next() * count);
        const agent = agents[at];
        if (agent === undefined) throw new Error("there is an agent at each place");
        const server = await agent.connected.catch(() => null);
        await hasNoted(agent, Math.floor(random.next() * LONGEST_LIFE_NOTES));
        await pause(random.next() * LONGEST_LAST_MS);
        const how = random.next();
        if (new Set(tasksOf("acknowledged")).size < AGENT_PLAN.length) killsAtWork += 1;
        // The client, its server, or both at once.
        if (server === null || how < 0.5) killGroup(agent.process);
        else if (how < 0.75) killProcess(server);
        else agent.process.kill("SIGKILL");
        await agent.ended;
        expectNothingDoneTwice();
        agents = agents.map((each, place) => (place === at ? startAgent(each.name, workMs) : each));
      }
      const codes = await Promise.all(agents.map(({ ended }) => ended));
      expect(codes, `seed ${SEED}`).toEqual(names.map(() => 0));
      expectNothingDoneTwice();
      // Whoever was at something alone is gone, so nobody is at anything.
      if (count === 1) expect(notes().flatMap((each) => (each.what === "brief" ? each.now : []))).toEqual([]);
      expect(expectBriefsExact(), "briefs that were looked at").toBeGreaterThanOrEqual(KILLS / 2);
      expect(killsAtWork, "kills while work was left").toBeGreaterThanOrEqual(KILLS / 2);
      await expectAllDoneOnce();
    },
    120_000,
  );
});
