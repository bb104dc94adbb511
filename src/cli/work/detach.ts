/** `--detach`: a process of its own works the session on, with its output in a file. */

import { spawn } from "node:child_process";
import { closeSync, mkdirSync, openSync } from "node:fs";
import { join, relative } from "node:path";

import type { Project } from "../../app/open-project.ts";
import { assert } from "../../base/assert.ts";
import { messageOf, PerdureError } from "../../base/errors.ts";
import { runOperation } from "../../operations/operation.ts";
import { safeLine } from "../terminal/ansi.ts";
import { shortId } from "../text/names.ts";
import type { Call } from "../verb.ts";

interface Detached {
  readonly id: string;
  readonly name: string;
}

export async function submitDetached(call: Call, plan: Readonly<Record<string, unknown>>): Promise<number> {
  const project = await call.open("on-use");
  const { planSubmit } = await import("../../operations/plan-submit.ts");
  const submitted = await runOperation(planSubmit, project, { input: plan });
  for (const notice of submitted.notices) call.output.remark(`notice: ${safeLine(notice)}`);
  return await detach(call, project, submitted.session);
}

export async function resumeDetached(call: Call, session: string | null): Promise<number> {
  const project = await call.open("existing");
  const { sessionShow } = await import("../../operations/session-show.ts");
  const found = await runOperation(sessionShow, project, { input: { session } });
  // Here rather than in the background, where nobody would see it refused.
  const { checkBeforeWork } = await import("../../operations/environment-check.ts");
  const { asId } = await import("../../domain/ids.ts");
  await checkBeforeWork(project, { sessionId: asId(found.id), force: call.args.flag("force") });
  return await detach(call, project, found);
}

async function detach({ args, output }: Call, project: Project, session: Detached): Promise<number> {
  const log = join(project.projectDir, ".perdure", "logs", `${session.id}.log`);
  const concurrency = args.number("concurrency");
  const words = [
    "resume",
    session.id,
    "--project",
    project.projectDir,
    ...(args.text("store") === null ? [] : ["--store", project.storeReference]),
    ...(concurrency === null ? [] : ["--concurrency", String(concurrency)]),
    ...(args.text("labels") === null ? [] : [`--labels=${args.text("labels")}`]),
    ...(args.flag("wait") ? ["--wait"] : []),
    ...(args.flag("force") ? ["--force"] : []),
    ...(args.flag("tick") ? [] : ["--no-tick"]),
  ];
  const pid = await start(words, { log, directory: project.projectDir });
  if (output.isJson) output.printData({ session: { id: session.id, name: session.name }, pid, log });
  else {
    const id = shortId(session.id);
    output.print(`${safeLine(session.name)} (${id}) is worked on in the background by process ${pid}.`);
    output.print(
      `See it with \`perdure watch ${id}\`, stop it with \`perdure interrupt ${id}\`; output goes to ${relative(process.cwd(), log) || log}.`,
    );
  }
  return 0;
}

/** Resolves to the process id once it has been started. */
async function start(
  words: readonly string[],
  { log, directory }: { readonly log: string; readonly directory: string },
): Promise<number> {
  const program = process.argv[1];
  assert(program !== undefined, "this program was started from a file");
  try {
    mkdirSync(join(log, ".."), { recursive: true });
    const file = openSync(log, "a");
    const child = spawn(process.execPath, [program, ...words], {
      cwd: directory,
      detached: true,
      stdio: ["ignore", file, file],
    });
    closeSync(file);
    await new Promise((resolve, reject) => child.once("spawn", resolve).once("error", reject));
    child.unref();
    assert(child.pid !== undefined, "a process that was started has an id");
    return child.pid;
  } catch (cause) {
    throw new PerdureError("store-unreachable", {
      message: `The background process could not be started: ${messageOf(cause)}`,
      hint: `Check that ${log} may be written to, or work in the foreground: leave out --detach.`,
      cause,
    });
  }
}
