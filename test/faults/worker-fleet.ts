/** Real `perdure worker` processes: started, killed, paused, taken to other hosts and other times; what they said is kept. */

import { spawn } from "node:child_process";
import type { ChildProcess } from "node:child_process";
import { cpSync, writeFileSync } from "node:fs";
import { join, resolve } from "node:path";
import { pathToFileURL } from "node:url";

const BIN = resolve(import.meta.dirname, "../../bin/perdure.js");
const PRETEND = pathToFileURL(join(import.meta.dirname, "pretend.mjs")).href;

export interface FleetOptions {
  readonly projectDir: string;
  readonly concurrency: number;
}

export interface StartOptions {
  readonly storeUrl: string;
  /** The host it takes itself to be on. Default: this one, where others see at once that its process has died. */
  readonly host?: string;
  /** The network namespace it runs in. */
  readonly namespace?: string;
}

export interface WorkerProcess {
  readonly name: string;
  readonly pid: number;
  readonly options: StartOptions;
  readonly exited: Promise<{ readonly code: number | null; readonly signal: NodeJS.Signals | null }>;
  /** Resolves once it works. */
  readonly ready: Promise<void>;
  isRunning(): boolean;
  output(): string;
  /** SIGKILL; resolves when it is gone. */
  kill(): Promise<void>;
  /** SIGSTOP and SIGCONT. */
  pause(): void;
  resume(): void;
  /** Sets its wall clock so far off. */
  setClock(offsetMs: number): void;
  /** SIGTERM. Resolves with the exit code. */
  stop(): Promise<number | null>;
}

export interface WorkerFleet {
  start(options: StartOptions): WorkerProcess;
  running(): readonly WorkerProcess[];
  /** Those that ended although nobody ended them, with what they said. */
  surprises(): readonly string[];
  stopAll(): Promise<void>;
  killAll(): Promise<void>;
}

export function createFleet(options: FleetOptions): WorkerFleet {
  const workers = new Set<WorkerProcess>();
  const surprises: string[] = [];
  let count = 0;
  const running = (): readonly WorkerProcess[] => [...workers].filter((worker) => worker.isRunning());
  return {
    start(started) {
      count += 1;
      const worker = startWorker({ ...options, name: `w${count}`, started, surprises });
      workers.add(worker);
      return worker;
    },
    running,
    surprises: () => surprises,
    async stopAll() {
      await Promise.all(running().map(async (worker) => worker.stop()));
    },
    async killAll() {
      await Promise.all(running().map(async (worker) => worker.kill()));
    },
  };
}

interface Starting extends FleetOptions {
  readonly name: string;
  readonly started: StartOptions;
  readonly surprises: string[];
}

function startWorker({ projectDir, concurrency, name, started, surprises }: Starting): WorkerProcess {
  // Another machine has files of its own.
  const dir = started.host === undefined ? projectDir : join(projectDir, "..", name);
  if (dir !== projectDir) cpSync(projectDir, dir, { recursive: true, filter: (path) => !path.includes(".perdure") });
  const clockFile = join(dir, `${name}.clock`);
  writeFileSync(clockFile, "0");
  const perdure = [
    "--import",
    PRETEND,
    BIN,
    "worker",
    `--project=${dir}`,
    `--store=${started.storeUrl}`,
    `--concurrency=${concurrency}`,
  ];
  const [file, args] =
    started.namespace === undefined
      ? [process.execPath, perdure]
      : ["ip", ["netns", "exec", started.namespace, process.execPath, ...perdure]];
  const child = spawn(file, args, {
    stdio: ["ignore", "pipe", "pipe"],
    env: {
      ...process.env,
      PERDURE_TEST_CLOCK: clockFile,
      ...(started.host === undefined ? {} : { PERDURE_TEST_HOST: started.host }),
    },
  });
  const output = keepOutput(child);
  let isEnding = false;
  let isRunning = true;
  const exited = new Promise<{ code: number | null; signal: NodeJS.Signals | null }>((done) => {
    child.on("exit", (code, signal) => {
      isRunning = false;
      if (!isEnding)
        surprises.push(`${name} ended by itself (${String(code ?? signal)}): ${output.text().slice(-2000)}`);
      done({ code, signal });
    });
  });
  const worker: WorkerProcess = {
    name,
    pid: child.pid ?? 0,
    options: started,
    exited,
    ready: output.saying("Ctrl-C stops it"),
    isRunning: () => isRunning,
    output: output.text,
    async kill() {
      isEnding = true;
      child.kill("SIGKILL");
      await exited;
    },
    pause: () => void child.kill("SIGSTOP"),
    resume: () => void child.kill("SIGCONT"),
    setClock(offsetMs) {
      writeFileSync(clockFile, String(offsetMs));
      child.kill("SIGUSR2");
    },
    async stop() {
      isEnding = true;
      child.kill("SIGCONT");
      // Before that it does not listen to signals.
      await Promise.race([worker.ready, exited]);
      child.kill("SIGTERM");
      return (await exited).code;
    },
  };
  return worker;
}

interface Output {
  text(): string;
  saying(words: string): Promise<void>;
}

function keepOutput(child: ChildProcess): Output {
  let text = "";
  const waiting: { readonly words: string; readonly resolve: () => void }[] = [];
  const keep = (chunk: Buffer): void => {
    text += chunk.toString();
    for (const { words, resolve: found } of waiting) if (text.includes(words)) found();
  };
  child.stdout?.on("data", keep);
  child.stderr?.on("data", keep);
  return {
    text: () => text,
    saying: async (words) =>
      new Promise((done) => {
        waiting.push({ words, resolve: done });
      }),
  };
}
