/** Opens what perdure.yaml or the command line names. */

import { resolve } from "node:path";

import { PerdureError } from "../base/errors.ts";
import type { RandomDep } from "../base/random.ts";
import { sha256 } from "../base/sha256.ts";
import type { SinkConfig } from "../config/config.ts";
import type { LogSource, Sink } from "./sink.ts";

interface Deps extends RandomDep {
  /** What relative paths are relative to. */
  readonly directory: string;
}

/** @throws PerdureError `invalid-config`, `unsupported`, `store-unreachable` */
export async function openSink(config: SinkConfig, { directory, random }: Deps): Promise<Sink> {
  switch (config.sink) {
    case "jsonl": {
      const { jsonlSink } = await import("./jsonl-sink.ts");
      return jsonlSink({ directory: resolve(directory, config.path), random });
    }
    case "redis": {
      const { openRedisSink } = await import("./redis-sink.ts");
      return await openRedisSink({ url: config.url ?? redisOfEnvironment(), stream: config.stream });
    }
    case "firestore": {
      const { openFirestoreSink } = await import("./firestore-sink.ts");
      return await openFirestoreSink(config);
    }
  }
}

function redisOfEnvironment(): string | null {
  return process.env.PERDURE_REDIS_URL ?? null;
}

/** What it is called before it is opened: without secrets. */
export function sinkName(config: SinkConfig): string {
  switch (config.sink) {
    case "jsonl":
      return `jsonl ${config.path}`;
    case "redis": {
      const url = config.url ?? redisOfEnvironment();
      return `redis ${config.stream}${url !== null && URL.canParse(url) ? ` on ${new URL(url).host}` : ""}`;
    }
    case "firestore":
      return `firestore ${config.project}/${config.collection}`;
  }
}

/** For files about it: the same for the same place. */
export function sinkKey(config: SinkConfig): string {
  return `${config.sink}-${sha256().update(sinkName(config)).digest("hex").slice(0, 8)}`;
}

const REDIS = /^rediss?:\/\//;
const FIRESTORE = /^firestore:\/\/([^/]+)\/(.+)$/;

/**
 * What a log is restored from: `redis://host:port/database#stream`, `firestore://project/collection`, the directory of a
 * jsonl sink or store, or a file that an export wrote.
 *
 * @throws PerdureError `usage`, `not-found`, `invalid-config`, `unsupported`, `store-unreachable`
 */
export async function openLogSource(reference: string, deps: Deps): Promise<LogSource> {
  if (REDIS.test(reference)) {
    const at = reference.indexOf("#");
    const stream = at === -1 ? "" : decodeURIComponent(reference.slice(at + 1));
    if (stream === "")
      throw badReference(reference.replace(/\/\/.*@/, "//"), "names no stream", "redis://host:6379/0#STREAM");
    return await openSink({ sink: "redis", url: reference.slice(0, at), stream, maxArtifactBytes: 0 }, deps);
  }
  const [, project, collection] = FIRESTORE.exec(reference) ?? [];
  if (project !== undefined && collection !== undefined)
    return await openSink({ sink: "firestore", project, collection, maxArtifactBytes: 0 }, deps);
  if (/^[a-z]+:\/\//.test(reference))
    throw badReference(
      reference.replace(/\/\/.*@/, "//"),
      "is of a kind there is none of",
      "firestore://PROJECT/COLLECTION",
    );
  const { isDirectory, isJournalPlace, jsonlSource } = await import("./jsonl-sink.ts");
  const path = resolve(deps.directory, reference.replace(/^jsonl:/, ""));
  if (!(await isDirectory(path))) {
    const { openProjectFile } = await import("./project-file-reader.ts");
    return await openProjectFile(path, deps);
  }
  if (await isJournalPlace(path)) return jsonlSource({ directory: path, random: deps.random });
  throw new PerdureError("not-found", {
    message: `There is no copy of a change log in ${path}`,
    hint: "Name a directory that has `journal/` in it: that of a sink or of a jsonl store.",
    details: { path },
  });
}

function badReference(reference: string, what: string, example: string): PerdureError {
  return new PerdureError("usage", {
    message: `${JSON.stringify(reference)} ${what}`,
    hint: `Name it like ${example}, or the path of a sink's directory or of an exported file.`,
  });
}
