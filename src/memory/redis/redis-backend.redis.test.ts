import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

import { afterAll, beforeAll, describe, expect, onTestFinished, test } from "vitest";

import { openPerdure } from "../../app/perdure.ts";
import { seededRandom } from "../../base/random.ts";
import { connectRedis } from "../../base/redis-connection.ts";
import { freePort } from "../../base/testing/free-port.ts";
import type { RedisServer } from "../../base/testing/redis-server.ts";
import { hasRedisServer, startRedisServer } from "../../base/testing/redis-server.ts";
import type { ProjectId, SessionId } from "../../domain/ids.ts";
import { asId } from "../../domain/ids.ts";
import { fakeClock } from "../../testing/fake-clock.ts";
import { memorySuite } from "../../testing/memory-suite.ts";
import { openRedisBackend } from "./redis-backend.ts";

const random = seededRandom(11);
const LIMITS = { maxEntries: 10, maxSizeBytes: 1_000 };

describe.skipIf(!hasRedisServer)("on a real server (skipped where there is no redis-server)", () => {
  let server: RedisServer | null = null;
  let url = "";
  const aDirectory = (): string => {
    const made = mkdtempSync(join(tmpdir(), "perdure-redis-project-"));
    onTestFinished(() => rmSync(made, { recursive: true, force: true }));
    return made;
  };

  beforeAll(async () => {
    server = await startRedisServer();
    ({ url } = server);
  });
  afterAll(async () => {
    await server?.stop();
  });

  const open = async (
    projectId = random.uuid(),
    sessions: readonly [string, string] = [random.uuid(), random.uuid()],
  ) => {
    const clock = fakeClock();
    const memory = await openRedisBackend({ url, projectId: asId<ProjectId>(projectId), clock });
    return { memory, clock, sessions: [asId<SessionId>(sessions[0]), asId<SessionId>(sessions[1])] as const };
  };

  memorySuite({ name: "Redis", open: () => open() });

  test("keeps sessions apart whose ids are made to meet", async () => {
    const hostile = ["a", "a}", "a:meta", "a:v:k", "a%3A", "{a}", "a:v", "*", "a b"];
    const { memory, sessions } = await open("p", ["a", "b"]);
    const put = (sessionId: string, key: string) =>
      memory.store({
        sessionId: asId(sessionId),
        key,
        value: [sessionId, key],
        importance: 1,
        ttlMs: null,
        limits: LIMITS,
      });
    for (const sessionId of hostile) for (const key of ["k", ":meta", "v:k", "meta"]) await put(sessionId, key);
    for (const sessionId of hostile) {
      const { entries } = await memory.list({ sessionId: asId(sessionId), prefix: null, after: null, limit: 100 });
      expect(entries.map(({ value }) => value)).toEqual(["k", ":meta", "v:k", "meta"].map((key) => [sessionId, key]));
    }
    await memory.clear({ sessionId: sessions[0] });
    expect((await memory.list({ sessionId: asId("a}"), prefix: null, after: null, limit: 9 })).entries).toHaveLength(4);
    await memory.close();
  });

  test("lets Redis drop what has expired, and leaves nothing behind", async () => {
    const { memory, clock, sessions } = await open("leaves", [random.uuid(), random.uuid()]);
    const [sessionId] = sessions;
    await memory.store({ sessionId, key: "k", value: 1, importance: 1, ttlMs: 60_000, limits: LIMITS });
    const redis = await connectRedis({ url, purpose: "A test", setting: "none" });
    const base = `perdure:{leaves:${sessionId}}`;
    expect(Number(await redis.call(["PTTL", `${base}:v:k`]))).toBeGreaterThan(50_000);
    expect(Number(await redis.call(["PTTL", `${base}:meta`]))).toBeGreaterThan(60_000);
    clock.advance(60_000);
    expect(await memory.expire({ limit: 10 })).toBe(1);
    expect(await redis.call(["EXISTS", `${base}:v:k`, `${base}:meta`, `${base}:rank`, `${base}:expiry`])).toBe(0);
    expect(await redis.call(["SMEMBERS", "perdure:leaves:sessions"])).toEqual([]);
    await redis.close();
    await memory.close();
  });

  test("serves a project whose configuration names it, and ends with it", async () => {
    const project = aDirectory();
    const settings = `{ backend: redis, redis_url: "${url}", max_entries: 2 }`;
    writeFileSync(join(project, "perdure.yaml"), `supervisor: { session: { working_memory: ${settings} } }\n`);
    const perdure = await openPerdure({ project });
    const memory = await perdure.memory.of();
    for (const key of ["a", "b", "c"]) await memory.store(key, key);
    expect((await memory.list()).entries.map(({ key }) => key)).toEqual(["b", "c"]);
    expect((await memory.getSummary({ strategy: "semantic" })).included).toBe(2);
    await perdure.close();
    await expect(memory.retrieve("b")).rejects.toMatchObject({ code: "store-unreachable" });
    const again = await openPerdure({ project });
    expect((await (await again.memory.of()).retrieve("c"))?.value).toBe("c");
    await again.close();
  });

  test("is cleared of a session that is deleted, and of no other", async () => {
    const project = aDirectory();
    const settings = `{ backend: redis, redis_url: "${url}" }`;
    writeFileSync(join(project, "perdure.yaml"), `supervisor: { session: { working_memory: ${settings} } }\n`);
    const perdure = await openPerdure({ project });
    const [gone, kept] = [
      await perdure.sessions.create({ name: "gone" }),
      await perdure.sessions.create({ name: "k" }),
    ];
    for (const { id } of [gone, kept]) await (await perdure.memory.of(id)).store("key", id);
    const redis = await connectRedis({ url, purpose: "A test", setting: "none" });
    const keysOf = async (id: string) => (await redis.call(["KEYS", `*${id}*`])) as readonly unknown[];
    expect((await keysOf(gone.id)).length).toBeGreaterThan(0);
    await perdure.sessions.delete(gone.id);
    // A counter stays, and Redis drops it within the hour.
    expect(await keysOf(gone.id)).toEqual([expect.stringMatching(/:load$/)]);
    expect((await (await perdure.memory.of(kept.id)).retrieve("key"))?.value).toBe(kept.id);
    await redis.close();
    await perdure.close();
  });

  test("never exceeds the limit when several store at once", async () => {
    const { memory, sessions } = await open();
    const [sessionId] = sessions;
    const stored = await Promise.allSettled(
      Array.from({ length: 50 }, (_, at) =>
        memory.store({ sessionId, key: `k${at}`, value: at, importance: 0.5, ttlMs: null, limits: LIMITS }),
      ),
    );
    expect(stored.every(({ status }) => status === "fulfilled")).toBe(true);
    expect((await memory.list({ sessionId, prefix: null, after: null, limit: 100 })).entries).toHaveLength(10);
    await memory.close();
  });
});

describe("without a server", () => {
  test("says which server fails, and no password", async () => {
    const port = await freePort();
    const opening = openRedisBackend({
      url: `redis://me:secret@127.0.0.1:${port}`,
      projectId: asId<ProjectId>("p"),
      clock: fakeClock(),
    });
    await expect(opening).rejects.toMatchObject({
      code: "store-unreachable",
      message: expect.stringMatching(new RegExp(`^The Redis server 127.0.0.1:${port} fails(?!.*secret)`)),
    });
  });

  test("says what is missing when no address is given", async () => {
    const opening = openRedisBackend({ url: null, projectId: asId<ProjectId>("p"), clock: fakeClock() });
    await expect(opening).rejects.toMatchObject({ code: "invalid-config" });
  });
});
