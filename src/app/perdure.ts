/** The library: an open project as the code that embeds Perdure uses it. */

import { assert } from "../base/assert.ts";
import type { Clock } from "../base/clock.ts";
import { PerdureError } from "../base/errors.ts";
import type { Json } from "../base/json.ts";
import type { Random } from "../base/random.ts";
import type { InferInput, InferOutput, StandardSchemaV1 } from "../base/standard-schema.ts";
import type { Durability } from "../config/config.ts";
import type { Run } from "../engine/run.ts";
import type { Host } from "../engine/host.ts";
import type { Brief } from "../operations/brief.ts";
import type { Embedder } from "../memory/embedder.ts";
import { functionExecutor } from "../executors/function-executor.ts";
import type { Project } from "./open-project.ts";
import { openProject } from "./open-project.ts";
import type { Facts } from "./library-facts.ts";
import { libraryFacts } from "./library-facts.ts";
import type { Memory } from "./library-memory.ts";
import { libraryMemory } from "./library-memory.ts";
import type { Checkpoints } from "./library-checkpoints.ts";
import { libraryCheckpoints } from "./library-checkpoints.ts";
import type { Replication } from "./library-replication.ts";
import { libraryReplication } from "./library-replication.ts";
import type { Sessions } from "./library-sessions.ts";
import { librarySessions } from "./library-sessions.ts";
import type { Tasks } from "./library-tasks.ts";
import { libraryTasks } from "./library-tasks.ts";
import type { WorkOptions } from "./library-work.ts";
import { libraryWork } from "./library-work.ts";

export interface OpenPerdureOptions {
  /** The project's directory. Default: the current one. */
  readonly project?: string;
  /**
   * `sqlite` (default: `.perdure/perdure.db` in the project), the path of a database file, `jsonl` (text files only:
   * `.perdure/journal/`; all of it is held in memory) or `jsonl:DIRECTORY`.
   */
  readonly store?: string;
  /** `full`: what was acknowledged survives power loss. `normal`: a killed process only, and is faster. Default: as configured, else `full`. */
  readonly durability?: Durability;
  /** Recorded in the change log as who made the changes. Default `library`. */
  readonly actor?: string;
  /** Time, chance and the machine come in from outside, so that a run can be repeated exactly. Defaults: the system's. */
  readonly clock?: Clock;
  readonly random?: Random;
  readonly host?: Host;
  /** A model that embeds texts: with it, memory summaries and recalled facts are ranked by meaning too. Default: none. */
  readonly embedder?: Embedder;
}

/** A kind of task: its name, and for the compiler what goes in. */
export interface TaskKind<Input = unknown> {
  readonly name: string;
  /** Exists for the compiler only. */
  readonly inputType?: Input;
}

export interface DefineOptions<Schema extends StandardSchemaV1> {
  /** Any Standard Schema (zod, valibot, arktype …). Input is checked when a task is created and when it runs. */
  readonly input?: Schema;
}

export interface BriefOptions {
  /** An id, the beginning of one, or a name. Default: the newest unfinished session, else the newest. */
  readonly session?: string;
  /** Most tokens of its text, from 100. Default 1,000. */
  readonly maxTokens?: number;
}

export interface Perdure {
  /** Absolute. */
  readonly projectDir: string;
  readonly tasks: Tasks;
  readonly sessions: Sessions;
  readonly memory: Memory;
  readonly facts: Facts;
  readonly checkpoints: Checkpoints;
  /** Copies of the change log elsewhere, as perdure.yaml names them. */
  readonly replication: Replication;
  /**
   * Says what carries out tasks whose executor is `name`. Define before working.
   *
   * @throws PerdureError `conflict` when the name is taken
   */
  define<Schema extends StandardSchemaV1 = StandardSchemaV1<Json>>(
    name: string,
    options: DefineOptions<Schema>,
    run: (run: Run, input: InferOutput<Schema>) => unknown,
  ): TaskKind<InferInput<Schema>>;
  /**
   * Works tasks in this process: claims what its executors can carry out, runs it, takes over what dead workers left.
   * Resolves when idle (`until: "idle"`), or when `signal` aborts, after letting go of what ran at the next step boundary.
   *
   * @throws PerdureError `store-unreachable` or `store-damaged` when nothing can be recorded any more
   */
  work(options?: WorkOptions): Promise<void>;
  /**
   * Where the work stands, for a person or a model: `text` within the budget of tokens, and what it says as data.
   * Read from the store alone; the same state gives the same text. Never counts or names anything that is not so:
   * what does not fit is left out and told by number.
   *
   * @throws PerdureError `not-found` for a session there is none of, `limit-reached` for a budget that is too small
   */
  brief(options?: BriefOptions): Promise<Brief>;
  /** Stops working, waits for what was begun to be recorded, and releases the store. Safe to repeat. */
  close(): Promise<void>;
}

/**
 * Opens a project, making its `.perdure/` directory when there is none.
 *
 * @throws PerdureError `invalid-config`, `store-unreachable`, `store-damaged`, `store-too-new`, `unsupported`
 */
export async function openPerdure(options: OpenPerdureOptions = {}): Promise<Perdure> {
  const { clock, random, host, embedder } = options;
  const project = await openProject({
    directory: options.project ?? null,
    isExact: options.project !== undefined,
    store: options.store ?? null,
    durability: options.durability ?? null,
    actor: options.actor ?? "library",
    onWarning: (message) => process.emitWarning(message, "PerdureWarning"),
    ...(clock === undefined ? {} : { clock }),
    ...(random === undefined ? {} : { random }),
    ...(host === undefined ? {} : { host }),
    ...(embedder === undefined ? {} : { embedder }),
  });
  const schemas = new Map<string, StandardSchemaV1>();
  const closing = new AbortController();
  const working = new Set<Promise<void>>();
  let closed: Promise<void> | null = null;

  const close = async (): Promise<void> => {
    closing.abort();
    await Promise.allSettled(working);
    await project.close();
  };

  const perdure: Perdure = {
    projectDir: project.projectDir,
    tasks: libraryTasks(project, schemas),
    sessions: librarySessions(project),
    memory: libraryMemory(project),
    facts: libraryFacts(project),
    checkpoints: libraryCheckpoints(project),
    replication: libraryReplication(project),
    define(name, { input }, run) {
      project.define(functionExecutor({ name, input, run }));
      if (input !== undefined) schemas.set(name, input);
      return { name };
    },
    async brief({ session, maxTokens } = {}) {
      const [{ brief }, { runOperation }] = await Promise.all([
        import("../operations/brief.ts"),
        import("../operations/operation.ts"),
      ]);
      return await runOperation(brief, project, { input: { session, tokens: maxTokens } });
    },
    work(workOptions = {}) {
      if (closed !== null) return Promise.reject(closedError());
      const work = libraryWork(project, workOptions, closing.signal).finally(() => working.delete(work));
      working.add(work);
      return work;
    },
    close() {
      closed ??= close();
      return closed;
    },
  };
  projects.set(perdure, project);
  return perdure;
}

const projects = new WeakMap<Perdure, Project>();

/** What lies behind it, for other entry points of this package. */
export function projectOf(perdure: Perdure): Project {
  const project = projects.get(perdure);
  assert(project !== undefined, "it was made by openPerdure");
  return project;
}

function closedError(): PerdureError {
  return new PerdureError("wrong-state", {
    message: "This Perdure is closed",
    hint: "Open it again with openPerdure.",
  });
}
