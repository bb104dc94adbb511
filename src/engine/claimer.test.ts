import { expect, test } from "vitest";

import { systemClock } from "../base/clock.ts";
import { asId } from "../domain/ids.ts";
import type { CommandDefinition } from "../store/command.ts";
import type { ExecuteOptions } from "../store/port.ts";
import { Claimer } from "./claimer.ts";
import type { ClaimerOptions } from "./claimer.ts";

const NOTHING = {
  isLeaseOver: false,
  claimed: [],
  overdue: [],
  isMoreReady: false,
  isExhausted: false,
  opensAt: null,
  at: 0,
  limit: 2,
};

interface Scene {
  readonly claimer: Claimer;
  /** What the claims carried out so far were told of, newest last. */
  readonly asked: ("now" | "stood by")[];
  readonly looks: number[];
  /** What stands by is carried out with a commit of this number. */
  carryOut(commit: number): void;
}

/** A claimer on a store that has nothing to claim and lets calls stand by. */
function aScene(
  worker: { isBusy: boolean },
  { isExhausted = false, executors = [] as string[] }: { isExhausted?: boolean; executors?: string[] } = {},
): Scene {
  const asked: Scene["asked"] = [];
  const looks: number[] = [];
  let registered: readonly string[] = [];
  let carryOut = (_commit: number): void => undefined;
  const execute = async (command: CommandDefinition<never, unknown>, _input: unknown, options?: ExecuteOptions) => {
    if (command.name === "look-ahead") {
      looks.push(performance.now());
      return { nextDueAt: null, isMoreComing: false };
    }
    if (options?.standby !== undefined) {
      const carriedOut = new Promise<void>((resolve) => {
        carryOut = (commit) => {
          options.onCommitted?.(commit);
          resolve();
        };
      });
      await Promise.race([options.standby.decided, carriedOut]);
    }
    asked.push(options?.standby === undefined ? "now" : "stood by");
    return { ...NOTHING, isExhausted };
  };
  const options = {
    deps: { store: { execute, standsBy: true }, clock: systemClock },
    executors: () => new Map(executors.map((name) => [name, {}])),
    sessionId: null,
    worker: {
      id: asId("w"),
      actor: "worker:w",
      state: () => "running",
      freePlaces: () => 2,
      isBusy: () => worker.isBusy,
      registered: () => registered,
      register: async () => {
        registered = [...executors];
      },
      endings: () => [],
      onNothing: () => undefined,
      onFailure: (error: unknown) => {
        throw error;
      },
    },
  };
  const claimer = new Claimer(options as unknown as ClaimerOptions);
  return { claimer, asked, looks, carryOut: (commit) => carryOut(commit) };
}

function aClaimer(worker: { isBusy: boolean }): Claimer {
  return aScene(worker).claimer;
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

test("asks anew for a place that became free and after commits of its own, unless nothing was left behind", async () => {
  const { claimer, asked } = aScene({ isBusy: true });
  claimer.claimSoon();
  await expect.poll(() => asked).toEqual(["now"]);
  claimer.claimForFreed(Promise.resolve());
  await expect.poll(() => asked).toEqual(["now", "stood by"]);
  claimer.onCommit({ newest: 3, newestReadying: 0 });
  await expect.poll(() => asked).toEqual(["now", "stood by", "stood by"]);
});

test("where nothing was left behind it asks when a task may have become ready or others committed", async () => {
  const { claimer, asked, carryOut, looks } = aScene({ isBusy: true }, { isExhausted: true });
  claimer.claimSoon();
  await expect.poll(() => asked).toEqual(["now"]);
  claimer.claimForFreed(Promise.resolve());
  claimer.onCommit({ newest: 3, newestReadying: 0 });
  // What comes due is looked up all the same.
  await expect.poll(() => looks.length).toBe(1);
  expect(asked).toEqual(["now"]);

  carryOut(4);
  claimer.onCommit({ newest: 4, newestReadying: 4 });
  await expect.poll(() => looks.length).toBe(2);
  expect(asked).toEqual(["now", "stood by"]);
  claimer.onCommit({ newest: 5, newestReadying: 5 });
  await expect.poll(() => asked).toEqual(["now", "stood by", "stood by"]);
  claimer.onCommit(undefined);
  await expect.poll(() => asked.length).toBe(4);
});

test("comes to rest when the last run ends and nothing was left behind", async () => {
  const worker = { isBusy: true };
  const { claimer, asked } = aScene(worker, { isExhausted: true });
  claimer.claimSoon();
  await new Promise((resolve) => setTimeout(resolve, 100));
  worker.isBusy = false;
  expect(claimer.isAtRest).toBe(false);
  claimer.claimForFreed(Promise.resolve());
  await expect.poll(() => claimer.isAtRest).toBe(true);
  expect(asked).toEqual(["now"]);
});

test("asks anew when an executor was defined since, though nothing was left behind of the others", async () => {
  const executors: string[] = [];
  const { claimer, asked } = aScene({ isBusy: true }, { isExhausted: true, executors });
  claimer.claimSoon();
  await expect.poll(() => asked).toEqual(["now"]);
  executors.push("later");
  claimer.claimForFreed(Promise.resolve());
  await expect.poll(() => asked.slice(0, 3)).toEqual(["now", "stood by", "now"]);
});

test("looks what comes due once an ending is recorded, and a look that is to come is not put off by others", async () => {
  const { claimer, looks } = aScene({ isBusy: true }, { isExhausted: true });
  claimer.claimSoon();
  await expect.poll(() => looks.length).toBe(1);
  const ending = Promise.withResolvers<void>();
  claimer.claimForFreed(ending.promise);
  await new Promise((resolve) => setTimeout(resolve, 100));
  expect(looks.length).toBe(1);
  ending.resolve();
  for (let at = 0; at < 20; at++) {
    claimer.claimForFreed(Promise.resolve());
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
  expect(looks.length).toBeGreaterThan(2);
});
