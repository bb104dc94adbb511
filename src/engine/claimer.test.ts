import { expect, test } from "vitest";

import { asId } from "../domain/ids.ts";
import type { CommandDefinition } from "../store/command.ts";
import type { ExecuteOptions } from "../store/port.ts";
import { fakeClock } from "../testing/fake-clock.ts";
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
  /** Lets what is on its way arrive, and then so much time pass. */
  pass(ms: number): Promise<void>;
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
  const clock = fakeClock();
  let registered: readonly string[] = [];
  let carryOut = (_commit: number): void => undefined;
  const execute = async (command: CommandDefinition<never, unknown>, _input: unknown, options?: ExecuteOptions) => {
    if (command.name === "look-ahead") {
      looks.push(clock.now());
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
    deps: { store: { execute, standsBy: true }, clock },
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
  const pass = async (ms: number): Promise<void> => {
    await arrived();
    clock.advance(ms);
    await arrived();
  };
  return { claimer, asked, looks, pass, carryOut: (commit) => carryOut(commit) };
}

const arrived = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));
/** A look comes within that. */
const SOON = 100;

test("is at rest when nothing was found, and no longer once what stood by is asked for", async () => {
  const { claimer, pass } = aScene({ isBusy: false });
  claimer.claimSoon();
  await pass(SOON);
  expect(claimer.isAtRest).toBe(true);
  claimer.claimSoon();
  expect(claimer.isAtRest).toBe(false);
  await pass(SOON);
  expect(claimer.isAtRest).toBe(true);
});

test("is not at rest by what it learnt while something ran", async () => {
  const worker = { isBusy: true };
  const { claimer, looks, pass } = aScene(worker);
  claimer.claimSoon();
  await pass(SOON);
  expect(looks.length).toBe(1);
  worker.isBusy = false;
  expect(claimer.isAtRest).toBe(false);
});

test("asks anew for a place that became free and after commits of its own, unless nothing was left behind", async () => {
  const { claimer, asked, pass } = aScene({ isBusy: true });
  claimer.claimSoon();
  await pass(0);
  expect(asked).toEqual(["now"]);
  claimer.claimForFreed(Promise.resolve());
  await pass(0);
  expect(asked).toEqual(["now", "stood by"]);
  claimer.onCommit({ newest: 3, newestReadying: 0 });
  await pass(0);
  expect(asked).toEqual(["now", "stood by", "stood by"]);
});

test("where nothing was left behind it asks when a task may have become ready or others committed", async () => {
  const { claimer, asked, carryOut, looks, pass } = aScene({ isBusy: true }, { isExhausted: true });
  claimer.claimSoon();
  await pass(0);
  claimer.claimForFreed(Promise.resolve());
  claimer.onCommit({ newest: 3, newestReadying: 0 });
  // What comes due is looked up all the same.
  await pass(SOON);
  expect([asked, looks.length]).toEqual([["now"], 1]);

  carryOut(4);
  claimer.onCommit({ newest: 4, newestReadying: 4 });
  await pass(SOON);
  expect([asked, looks.length]).toEqual([["now", "stood by"], 2]);
  claimer.onCommit({ newest: 5, newestReadying: 5 });
  await pass(0);
  expect(asked).toEqual(["now", "stood by", "stood by"]);
  claimer.onCommit(undefined);
  await pass(0);
  expect(asked.length).toBe(4);
});

test("comes to rest when the last run ends and nothing was left behind", async () => {
  const worker = { isBusy: true };
  const { claimer, asked, pass } = aScene(worker, { isExhausted: true });
  claimer.claimSoon();
  await pass(SOON);
  worker.isBusy = false;
  expect(claimer.isAtRest).toBe(false);
  claimer.claimForFreed(Promise.resolve());
  await pass(SOON);
  expect([claimer.isAtRest, asked]).toEqual([true, ["now"]]);
});

test("asks anew when an executor was defined since, though nothing was left behind of the others", async () => {
  const executors: string[] = [];
  const { claimer, asked, pass } = aScene({ isBusy: true }, { isExhausted: true, executors });
  claimer.claimSoon();
  await pass(0);
  executors.push("later");
  claimer.claimForFreed(Promise.resolve());
  await pass(0);
  expect(asked.slice(0, 3)).toEqual(["now", "stood by", "now"]);
});

test("looks what comes due once an ending is recorded, and a look that is to come is not put off by others", async () => {
  const { claimer, looks, pass } = aScene({ isBusy: true }, { isExhausted: true });
  claimer.claimSoon();
  await pass(SOON);
  expect(looks.length).toBe(1);
  const ending = Promise.withResolvers<void>();
  claimer.claimForFreed(ending.promise);
  await pass(SOON);
  expect(looks.length).toBe(1);
  ending.resolve();
  for (let at = 0; at < 20; at++) {
    claimer.claimForFreed(Promise.resolve());
    await pass(5);
  }
  expect(looks.length).toBeGreaterThan(2);
});
