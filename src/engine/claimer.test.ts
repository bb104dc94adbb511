import { expect, test } from "vitest";

import { systemClock } from "../base/clock.ts";
import { asId } from "../domain/ids.ts";
import type { CommandDefinition } from "../store/command.ts";
import type { ExecuteOptions } from "../store/port.ts";
import { Claimer } from "./claimer.ts";
import type { ClaimerOptions } from "./claimer.ts";

const NOTHING = { isLeaseOver: false, claimed: [], overdue: [], isMoreReady: false, opensAt: null, at: 0, limit: 2 };

/** A claimer on a store that has nothing to claim and lets calls stand by. */
function aClaimer(worker: { isBusy: boolean }): Claimer {
  const execute = async (command: CommandDefinition<never, unknown>, _input: unknown, options?: ExecuteOptions) => {
    if (command.name === "look-ahead") return { nextDueAt: null, isMoreComing: false };
    await options?.standby?.decided;
    return NOTHING;
  };
  const options = {
    deps: { store: { execute, standsBy: true }, clock: systemClock },
    executors: () => new Map(),
    sessionId: null,
    worker: {
      id: asId("w"),
      actor: "worker:w",
      state: () => "running",
      freePlaces: () => 2,
      isBusy: () => worker.isBusy,
      registered: () => [],
      endings: () => [],
      onNothing: () => undefined,
      onFailure: (error: unknown) => {
        throw error;
      },
    },
  };
  return new Claimer(options as unknown as ClaimerOptions);
}

test("is at rest when nothing was found, and no longer once what stood by is asked for", async () => {
  const claimer = aClaimer({ isBusy: false });
  claimer.claimSoon();
  await expect.poll(() => claimer.isAtRest).toBe(true);
  claimer.claimSoon();
  expect(claimer.isAtRest).toBe(false);
  await expect.poll(() => claimer.isAtRest).toBe(true);
});

test("is not at rest by what it learnt while something ran", async () => {
  const worker = { isBusy: true };
  const claimer = aClaimer(worker);
  claimer.claimSoon();
  await new Promise((resolve) => setTimeout(resolve, 100));
  worker.isBusy = false;
  expect(claimer.isAtRest).toBe(false);
});
