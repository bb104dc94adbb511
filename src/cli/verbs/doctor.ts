/** `perdure doctor` */

import { ERROR_CODES, isPerdureError } from "../../base/errors.ts";
import type { Health } from "../../operations/health-check.ts";
import type { View } from "../output.ts";
import { safeLine } from "../terminal/ansi.ts";
import type { Call, Verb } from "../verb.ts";

const UNHEALTHY_EXIT = 1;

export const doctor: Verb = {
  arguments: [],
  options: [
    { name: "deep", type: "boolean", help: "also play the whole change log and read every artifact; takes a while" },
  ],
  notes: "Exit code 0 when nothing is wrong; warnings are no fault.",
  async run(call) {
    const { health, exit } = await examine(call);
    if (call.output.isJson) call.output.printData(health);
    else call.output.print(healthText(health, call.output.view()));
    return exit;
  },
};

/** A project that cannot be opened is a finding, not a failure of the doctor; one that is not there is. */
async function examine({ args, open }: Call): Promise<{ readonly health: Health; readonly exit: number }> {
  try {
    const deep = args.flag("deep");
    // Looking deep needs the store to itself, so it is not opened before.
    const project = await open(deep ? "unopened" : "existing");
    const [{ doctor: operation }, { runOperation }] = await Promise.all([
      import("../../operations/doctor.ts"),
      import("../../operations/operation.ts"),
    ]);
    const health = await runOperation(operation, project, { input: { deep } });
    return { health, exit: exitOf(health) };
  } catch (error) {
    if (!isPerdureError(error) || error.code === "not-found") throw error;
    const { healthOfFailedOpening } = await import("../../operations/health-check.ts");
    const { findProjectDir } = await import("../../config/find-project.ts");
    const projectDir = args.text("project") ?? findProjectDir(".");
    return { health: healthOfFailedOpening(projectDir, error), exit: ERROR_CODES[error.code].exit };
  }
}

function exitOf({ healthy, checks }: Health): number {
  if (healthy) return 0;
  const isDamaged = checks.some(({ name, ok }) => (name === "store" || name === "copies") && ok === false);
  return isDamaged ? ERROR_CODES["store-damaged"].exit : UNHEALTHY_EXIT;
}

function healthText({ checks, healthy }: Health, { paint }: View): string {
  const lines = checks.flatMap(({ name, ok, message, hint }) => {
    const mark =
      ok === true ? paint("green", "ok     ") : ok === "warning" ? paint("yellow", "warning") : paint("red", "wrong  ");
    const line = `${mark}  ${name.padEnd(11)}  ${safeLine(message)}`;
    return hint === undefined ? [line] : [line, `                      ${safeLine(hint)}`];
  });
  return [...lines, healthy ? "Nothing is wrong." : paint("red", "Something is wrong.")].join("\n");
}
