import { expect, test } from "vitest";

import { PerdureError } from "../base/errors.ts";
import type { SessionId } from "../domain/ids.ts";
import { asId } from "../domain/ids.ts";
import { fakeClock } from "../testing/fake-clock.ts";
import type { OperationContext } from "./operation.ts";
import { createSessionSettler } from "./session-settler.ts";

const A = asId<SessionId>("a");
const B = asId<SessionId>("b");

function aScene({ fails = false, deleted = null as SessionId | null } = {}) {
  const clock = fakeClock();
  const looked: SessionId[] = [];
  const execute = async (_command: unknown, { sessionId }: { readonly sessionId: SessionId }) => {
    looked.push(sessionId);
    if (sessionId === deleted) throw new PerdureError("not-found", { message: "It was deleted", hint: "" });
    if (fails) throw new Error("the store failed");
    return { id: sessionId, status: "active" };
  };
  const context = { clock, store: { execute } } as unknown as OperationContext;
  return { clock, looked, settler: createSessionSettler(context) };
}

test("looks at what ran a while later, once however much of it ended", async () => {
  const { clock, looked, settler } = aScene();
  for (const session of [A, A, B, A]) settler.touch(session);
  expect(looked).toEqual([]);
  clock.advance(250);
  await settler.stop();
  expect(looked).toEqual([A, B]);
});

test("looks at most four times a second", async () => {
  const { clock, looked, settler } = aScene();
  for (let at = 0; at < 100; at++) {
    settler.touch(A);
    clock.advance(10);
    await Promise.resolve();
  }
  await settler.stop();
  expect(looked.length).toBeGreaterThanOrEqual(3);
  expect(looked.length).toBeLessThanOrEqual(4);
});

test("looks at once when it is told to, and not again at what was not touched since", async () => {
  const { clock, looked, settler } = aScene();
  settler.touch(A);
  await settler.settle();
  expect(looked).toEqual([A]);
  clock.advance(1_000);
  await settler.stop();
  expect(looked).toEqual([A]);
});

test("goes on past one that was deleted meanwhile", async () => {
  const { looked, settler } = aScene({ deleted: A });
  for (const session of [A, B]) settler.touch(session);
  await settler.settle();
  expect(looked).toEqual([A, B]);
});

test("sets no timer once it was stopped, and still looks when it is told to", async () => {
  const { clock, looked, settler } = aScene();
  await settler.stop();
  settler.touch(A);
  expect(clock.nextTimerAt).toBeNull();
  await settler.settle();
  expect(looked).toEqual([A]);
});

test("forgets nothing when the store fails, and tells of that only who waits", async () => {
  const { clock, looked, settler } = aScene({ fails: true });
  settler.touch(A);
  clock.advance(250);
  await settler.stop();
  settler.touch(B);
  await expect(settler.settle()).rejects.toThrow("the store failed");
  expect(looked).toEqual([A, A, B]);
});
