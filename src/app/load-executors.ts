/** The executors of this process: the built-in ones, and those that modules named in the configuration define. */

import { join, resolve } from "node:path";
import { pathToFileURL } from "node:url";

import { messageOf, PerdureError } from "../base/errors.ts";
import type { Json } from "../base/json.ts";
import type { InferOutput, StandardSchemaV1 } from "../base/standard-schema.ts";
import type { Executor } from "../engine/executor.ts";
import type { Run } from "../engine/run.ts";
import { commandExecutor } from "../executors/command/command-executor.ts";
import { functionExecutor } from "../executors/function-executor.ts";
import { forgetProcess, listProcesses, recordProcess } from "../store/commands/processes.ts";
import type { Project } from "./open-project.ts";

/** What a module's default export is called with. */
export interface ExecutorDefiner {
  /** Carries out tasks whose executor is `name`. `options.input` is any Standard Schema; without one the input comes as it was submitted. */
  define<Schema extends StandardSchemaV1 = StandardSchemaV1<Json>>(
    name: string,
    options: { readonly input?: Schema | undefined },
    run: (run: Run, input: InferOutput<Schema>) => unknown,
  ): void;
}

export async function loadExecutors(project: Project, defined: Map<string, Executor>): Promise<void> {
  if (!defined.has("command")) defined.set("command", buildCommandExecutor(project));
  for (const module of project.config.executors) await loadModule(project, resolve(project.projectDir, module));
}

function buildCommandExecutor(project: Project): Executor {
  const { host, clock, random, projectDir, config } = project;
  return commandExecutor({
    projectDir,
    host,
    clock,
    random,
    artifactsTempDir: join(projectDir, ".perdure", "tmp"),
    limits: { outputBytes: config.worker.outputLimitBytes },
    processLedger: {
      record: (executionId, process) => project.store.execute(recordProcess, { executionId, process }),
      list: (executionId) => project.store.execute(listProcesses, { executionId }),
      forget: (executionId, pid) => project.store.execute(forgetProcess, { executionId, pid }),
    },
  });
}

async function loadModule(project: Project, path: string): Promise<void> {
  let module: unknown;
  try {
    module = await import(pathToFileURL(path).href);
  } catch (cause) {
    throw new PerdureError("invalid-config", {
      message: `The executors module ${path} cannot be loaded: ${messageOf(cause)}`,
      hint: "Check the paths under executors: in perdure.yaml; they are relative to the project.",
      cause,
    });
  }
  const register = typeof module === "object" && module !== null && "default" in module ? module.default : null;
  if (typeof register !== "function") {
    throw new PerdureError("invalid-config", {
      message: `The executors module ${path} has no function as its default export`,
      hint: 'Write: export default (perdure) => { perdure.define("name", {}, async (run, input) => { … }); };',
    });
  }
  await register(definerOf(project));
}

export function definerOf(project: Pick<Project, "define">): ExecutorDefiner {
  return {
    define: (name, { input }, run) => project.define(functionExecutor({ name, input, run })),
  };
}
