/** A connection to a Redis server, made by a package that only those who use it install. */

import { messageOf, PerdureError } from "./errors.ts";

/** What is needed of it. */
export interface RedisConnection {
  evaluate(script: string, key: string, values: readonly string[]): Promise<unknown>;
  call(words: readonly string[]): Promise<unknown>;
  close(): Promise<void>;
  /** Closes it without waiting for a server that may not answer. */
  abandon(): void;
}

const CONNECT_MS = 5_000;
const RETRIES = 5;
const RETRY_MS = 200;

export interface RedisUse {
  /** `null` when none is said. */
  readonly url: string | null;
  /** What it is for, as the beginning of a sentence: `Working memory`. */
  readonly purpose: string;
  /** What in perdure.yaml says the address. */
  readonly setting: string;
}

/** @throws PerdureError `invalid-config` without an address, `unsupported` without the package, `store-unreachable` */
export async function connectRedis({ url, purpose, setting }: RedisUse): Promise<RedisConnection> {
  if (url === null) {
    throw new PerdureError("invalid-config", {
      message: `${purpose} is to be kept in Redis, and no address is said`,
      hint: `Set ${setting} in perdure.yaml, or PERDURE_REDIS_URL.`,
    });
  }
  const { createClient } = await loadClient(purpose);
  const client = createClient({
    url,
    // Replies as lists, also those of hashes.
    RESP: 2,
    disableOfflineQueue: true,
    socket: {
      connectTimeout: CONNECT_MS,
      reconnectStrategy: (retries) => (retries < RETRIES ? RETRY_MS : new Error("it does not answer")),
    },
  });
  // Whoever calls next is told; without a listener the process would end.
  client.on("error", () => {});
  const guarded = async <T>(work: () => Promise<T>): Promise<T> => {
    try {
      return await work();
    } catch (error) {
      throw unreachable({ url, setting }, error);
    }
  };
  await guarded(() => client.connect());
  let closed: Promise<void> | null = null;
  return {
    evaluate: (script, key, values) => guarded(() => client.sendCommand(["EVAL", script, "1", key, ...values])),
    call: (words) => guarded(() => client.sendCommand([...words])),
    close() {
      closed ??= Promise.resolve(client.isOpen ? client.close() : undefined).then(() => {});
      return closed;
    },
    abandon() {
      closed ??= Promise.resolve();
      if (client.isOpen) client.destroy();
    },
  };
}

async function loadClient(purpose: string) {
  try {
    return await import("@redis/client");
  } catch (cause) {
    throw new PerdureError("unsupported", {
      message: `${purpose} in Redis needs the package @redis/client, which is not installed`,
      hint: "Install it (npm install @redis/client), or take Redis out of perdure.yaml.",
      cause,
    });
  }
}

/** Without what may be secret in the address. */
function unreachable(
  { url, setting }: { readonly url: string; readonly setting: string },
  error: unknown,
): PerdureError {
  const place = URL.canParse(url) ? new URL(url).host : "at the address given";
  return new PerdureError("store-unreachable", {
    message: `The Redis server ${place} fails: ${messageOf(error) || "it cannot be reached"}`,
    hint: `Check that it runs and that ${setting} (or PERDURE_REDIS_URL) is right.`,
    details: { place },
    cause: error,
  });
}
