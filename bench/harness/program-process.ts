/** The process of a program: loads it by its address, hands it its input and sends back what it returns. */

import type { Program, Report } from "./program.ts";

const [, , url] = process.argv;

function send(report: Report): Promise<void> {
  return new Promise((resolve) => process.send?.(report, () => resolve()));
}

process.once("message", async ({ input }: { readonly input: unknown }) => {
  try {
    if (url === undefined) throw new Error("which program is to be run?");
    const { default: program } = (await import(url)) as { readonly default: Program<unknown, unknown> };
    const result = await program.run(input, { ready: () => void send({ kind: "ready" }) });
    await send({ kind: "result", result });
  } catch (error) {
    await send({ kind: "error", error: error instanceof Error ? (error.stack ?? error.message) : String(error) });
  }
  // Timers of a peer that cannot be stopped do not hold up the next measurement.
  process.exit();
});
