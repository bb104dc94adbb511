/** `perdure mcp` */

import type { Project } from "../../app/open-project.ts";
import { messageOf, PerdureError } from "../../base/errors.ts";
import type { McpSurface } from "../../mcp/surface.ts";
import { writeError } from "../output.ts";
import { safeLine } from "../terminal/ansi.ts";
import type { Call, Verb } from "../verb.ts";
import type { StopSignals } from "../work/stop-signals.ts";
import { listenForStop } from "../work/stop-signals.ts";

const DEFAULT_PORT = 7411;

export const mcp: Verb = {
  arguments: [],
  options: [
    { name: "http", type: "boolean", help: "listen on 127.0.0.1 instead of talking over stdin and stdout" },
    {
      name: "port",
      type: "integer",
      placeholder: "N",
      help: `with --http: the port (default: ${DEFAULT_PORT}; 0 takes one that is free)`,
    },
    { name: "work", type: "boolean", help: "also carry out tasks that have an executor" },
    { name: "concurrency", short: "c", type: "integer", placeholder: "N", help: "with --work: tasks side by side" },
  ],
  notes: [
    "An agent starts it itself and ends it: `claude mcp add perdure -- perdure mcp` tells Claude Code to.",
    "Over stdio, stdout carries the protocol alone; all else goes to stderr. Over HTTP, several agents share one server.",
  ].join("\n"),
  examples: ["perdure mcp", "perdure mcp --http --port 7411 --work"],
  async run(call) {
    const { args, open } = call;
    refuseUnfitting(call);
    const project = await open("on-use");
    const [{ packageVersion }, { projectSurface }] = await Promise.all([
      import("../../app/package-version.ts"),
      import("../../mcp/project-surface.ts"),
    ]);
    const surface = projectSurface(project, { version: packageVersion() });
    const stop = listenForStop(() => {});
    const working = args.flag("work") ? work(call, project, stop.signal) : Promise.resolve();
    try {
      const served = args.flag("http") ? serveHttp(call, surface, project, stop) : serveStdio(surface, project, stop);
      // A worker that cannot go on ends the server too: its clients must not believe that work is being done.
      await Promise.race([served, failureOf(working)]);
    } finally {
      stop.stop();
      await working.catch(() => {});
      await releaseClaims(project);
      stop.release();
    }
    return 0;
  },
};

function refuseUnfitting({ args }: Call): void {
  const needs = (option: string, other: string): PerdureError =>
    new PerdureError("usage", {
      message: `--${option} goes with --${other}`,
      hint: `Add --${other}, or leave --${option} out.`,
    });
  if (args.number("port") !== null && !args.flag("http")) throw needs("port", "http");
  if (args.number("concurrency") !== null && !args.flag("work")) throw needs("concurrency", "work");
}

async function serveStdio(surface: McpSurface, { random }: Project, { signal }: StopSignals): Promise<void> {
  const { serveOverStdio } = await import("../../mcp/stdio-server.ts");
  await serveOverStdio(surface, { random, onError: logError, signal });
}

async function serveHttp(
  { args, output }: Call,
  surface: McpSurface,
  { random, projectDir }: Project,
  { signal }: StopSignals,
): Promise<void> {
  const { listenForMcp } = await import("../../mcp/http-server.ts");
  const server = await listenForMcp(surface, { random, onError: logError, port: args.number("port") ?? DEFAULT_PORT });
  if (output.isJson) output.printEvent({ type: "listening", url: server.url });
  else writeError(`MCP for ${projectDir} at ${server.url}; Ctrl-C stops it`);
  // A listening server keeps the process alive; the signal ends it.
  await new Promise<void>((resolve) => {
    if (signal.aborted) resolve();
    signal.addEventListener("abort", () => resolve(), { once: true });
  });
  await server.close();
}

/** In this process, as `perdure worker` does, until the server ends. */
async function work({ args, output }: Call, project: Project, signal: AbortSignal): Promise<void> {
  const [{ workerRun }, { runOperation }, { createEventLines }] = await Promise.all([
    import("../../operations/worker-run.ts"),
    import("../../operations/operation.ts"),
    import("../work/event-lines.ts"),
  ]);
  const lines = createEventLines();
  await runOperation(workerRun, project, {
    input: { concurrency: args.number("concurrency") },
    options: {
      signal,
      onEvent(event) {
        if (!output.isQuiet) writeError(lines.lineOf(event, output.view()));
      },
    },
  });
}

/** Rejects when the work does; never resolves. */
async function failureOf(working: Promise<void>): Promise<void> {
  await working;
  await new Promise<never>(() => {});
}

/** What agents claimed through this server returns to the queue at once, not only when their lease runs out. */
async function releaseClaims(project: Project): Promise<void> {
  // Looking for claims would make a store where nothing was ever recorded.
  if (!project.isOpen) return;
  const { releaseClaimsHere } = await import("../../operations/manual-claims.ts");
  // Without it they are taken over all the same, because this process is gone.
  await releaseClaimsHere(project).catch(logError);
}

function logError(error: unknown): void {
  writeError(`mcp: ${safeLine(messageOf(error))}`);
}
