/**
 * A sink that is a Redis stream: one entry a change, with the change's `seq` as its id, so that others can follow it too.
 * Each entry names the change before it. A script of Redis's own appends a batch if the stream ends where it should.
 */

import type { RedisConnection } from "../base/redis-connection.ts";
import { connectRedis } from "../base/redis-connection.ts";
import { sha256 } from "../base/sha256.ts";
import { headerToLine, readJournalLine } from "../store/journal-line.ts";
import type { JournalLine } from "../store/journal-line.ts";
import type { PieceStore } from "./contents.ts";
import { findText, hasContent, openContent, putContent } from "./contents.ts";
import type { LogEntry, Sink } from "./sink.ts";
import { lastChange } from "./last-change.ts";

export interface RedisSinkOptions {
  /** `redis://user:password@host:port/database`; `null` when none is said. */
  readonly url: string | null;
  /** The key of the stream. What belongs to it lies in keys that begin with it in braces, which a cluster keeps on one node. */
  readonly stream: string;
}

/** Longer lines are kept as contents. */
const LINE_BYTES = 512 << 10;
const PIECE_BYTES = 512 << 10;
const PAGE = 200;

/** ARGV: the change it has to end with, the header, and for each entry its seq, `line` or `content`, and that. */
const APPEND_SCRIPT = `
local last = redis.call('XREVRANGE', KEYS[1], '+', '-', 'COUNT', 1)[1]
local at = last and string.match(last[1], '^(%d+)') or '0'
if at ~= ARGV[1] then return 'moved' end
redis.call('SETNX', '{' .. KEYS[1] .. '}:header', ARGV[2])
for i = 3, #ARGV, 3 do
  redis.call('XADD', KEYS[1], ARGV[i] .. '-0', 'after', at, ARGV[i + 1], ARGV[i + 2])
  at = ARGV[i]
end
return 'appended'
`;

/** @throws PerdureError `invalid-config`, `unsupported`, `store-unreachable` */
export async function openRedisSink({ url, stream }: RedisSinkOptions): Promise<Sink> {
  const redis = await connectRedis({ url, purpose: "A copy of the change log", setting: "replication[].url" });
  const pieces = redisPieces(redis, stream);
  const headerKey = `{${stream}}:header`;
  const findHeader = async (): Promise<JournalLine | null> => {
    const text = await redis.call(["GET", headerKey]);
    return typeof text === "string" ? readJournalLine(text) : null;
  };

  const place = `the Redis stream ${stream}${url !== null && URL.canParse(url) ? ` on ${new URL(url).host}` : ""}`;

  return {
    place,
    async end() {
      const header = await findHeader();
      const [newest] = toEntries(await redis.call(["XREVRANGE", stream, "+", "-", "COUNT", "1"]));
      const last = newest === undefined ? null : lastChange(await lineOf(newest, pieces), place);
      return { header: header?.kind === "header" ? header.header : null, last };
    },
    async append({ header, after, lines }) {
      const words: string[] = [];
      for (const { change, text } of lines) {
        const isLong = text.length * 3 > LINE_BYTES && Buffer.byteLength(text) > LINE_BYTES;
        const hash = isLong ? sha256().update(text).digest("hex") : null;
        if (hash !== null) await putContent(pieces, hash, [Buffer.from(text)]);
        words.push(String(change.seq), hash === null ? "line" : "content", hash ?? text);
      }
      const outcome = await redis.evaluate(APPEND_SCRIPT, stream, [String(after), headerToLine(header), ...words]);
      return outcome === "appended" ? "appended" : "moved";
    },
    async *read({ after }) {
      const header = await findHeader();
      if (header !== null) yield { line: header, isTerminated: true, place: `the key ${headerKey}` };
      for (let from = after; ;) {
        const reply = await redis.call(["XRANGE", stream, `${from + 1}-0`, "+", "COUNT", String(PAGE)]);
        const found = toEntries(reply);
        for (const entry of found) {
          yield* missingBetween(from, entry);
          yield { line: await lineOf(entry, pieces), isTerminated: true, place: `entry ${entry.id} of ${stream}` };
          from = entry.seq;
        }
        if (found.length < PAGE) return;
      }
    },
    hasContent: (hash) => hasContent(pieces, hash),
    putContent: (hash, content) => putContent(pieces, hash, content),
    openContent: (hash) => openContent(pieces, hash),
    close: () => redis.close(),
    abandon: () => redis.abandon(),
  };
}

interface StreamEntry {
  readonly id: string;
  readonly seq: number;
  readonly after: number;
  readonly line: string | null;
  readonly content: string | null;
}

function toEntries(reply: unknown): readonly StreamEntry[] {
  return (Array.isArray(reply) ? reply : []).map((entry: unknown) => {
    const [id, words] = Array.isArray(entry) ? (entry as readonly unknown[]) : [];
    const fields = new Map<string, string>();
    const flat = Array.isArray(words) ? words.map(String) : [];
    for (let at = 0; at < flat.length; at += 2) fields.set(flat[at] ?? "", flat[at + 1] ?? "");
    return {
      id: String(id),
      seq: Number(String(id).split("-")[0]),
      after: Number(fields.get("after") ?? Number.NaN),
      line: fields.get("line") ?? null,
      content: fields.get("content") ?? null,
    };
  });
}

async function lineOf({ seq, line, content }: StreamEntry, pieces: PieceStore): Promise<JournalLine> {
  const text = content === null ? line : await findText(pieces, content);
  const read: JournalLine = text === null ? { kind: "damaged", why: "it has no line" } : readJournalLine(text);
  if (read.kind === "change" && read.change.seq !== seq) return { kind: "damaged", why: "it is of another change" };
  return read;
}

/** Whoever trims the stream takes away what nothing else has. */
function* missingBetween(from: number, { id, after }: StreamEntry): Generator<LogEntry> {
  if (after <= from) return;
  const why = `the changes after ${from} up to ${after} are missing before it`;
  yield { line: { kind: "damaged", why }, isTerminated: true, place: `entry ${id}` };
}

function redisPieces(redis: RedisConnection, stream: string): PieceStore {
  const keyOf = (name: string): string => `{${stream}}:content:${name}`;
  return {
    pieceBytes: PIECE_BYTES,
    async find(name) {
      const found = await redis.call(["GET", keyOf(name)]);
      return typeof found === "string" ? Buffer.from(found, "base64") : null;
    },
    async put(name, bytes) {
      await redis.call(["SET", keyOf(name), bytes.toString("base64")]);
    },
  };
}
