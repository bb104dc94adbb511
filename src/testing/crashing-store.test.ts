import { afterEach, beforeEach, describe, expect, it } from "vitest";

import { listSessions } from "../store/commands/session-queries.ts";
import { createSession } from "../store/commands/sessions.ts";
import type { Store } from "../store/port.ts";
import { openForTest } from "../store/testing/open-for-test.ts";
import { aSession } from "./builders.ts";
import type { CrashPoint } from "./crashing-store.ts";
import { crashingStore } from "./crashing-store.ts";

let store: Store;
beforeEach(() => {
  store = openForTest(":memory:");
});
afterEach(() => store.close());

/** Makes three sessions one after another until the crash; says how many calls returned, and what is in the store. */
async function writeUntil(point: CrashPoint): Promise<{ readonly returned: number; readonly names: string }> {
  const mortal = crashingStore(store, point);
  let returned = 0;
  const work = async (): Promise<void> => {
    for (const name of ["a", "b", "c"]) {
      await mortal.execute(createSession, aSession({ name }));
      returned += 1;
    }
  };
  await Promise.race([work(), mortal.crashed]);
  const { sessions } = await store.execute(listSessions, { statuses: null, before: null, limit: 10 });
  return {
    returned,
    names: sessions
      .map((session) => session.name)
      .toReversed()
      .join(""),
  };
}

describe("crashingStore", () => {
  it("dies before a call took effect", async () => {
    expect(await writeUntil({ call: 2, moment: "before" })).toEqual({ returned: 1, names: "a" });
  });

  it("dies after a call took effect and before its caller knows", async () => {
    expect(await writeUntil({ call: 2, moment: "after" })).toEqual({ returned: 1, names: "ab" });
  });

  it("lives when the call never comes", async () => {
    expect(await writeUntil({ call: 4, moment: "before" })).toEqual({ returned: 3, names: "abc" });
  });

  it("hands errors on, and hears of nothing once it is dead", async () => {
    const mortal = crashingStore(store, { call: 2, moment: "after" });
    let told = 0;
    mortal.onCommit(() => (told += 1));
    const metadata = { text: "x".repeat(17 << 20) };
    await expect(mortal.execute(createSession, aSession({ metadata }))).rejects.toMatchObject({
      code: "limit-reached",
    });
    void mortal.execute(createSession, aSession());
    await mortal.crashed;
    const before = told;
    await store.execute(createSession, aSession());
    await new Promise((resolve) => setImmediate(resolve));
    expect([mortal.callCount, told]).toEqual([2, before]);
  });
});
