import {
  appendFileSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

import { describe, expect, onTestFinished, test } from "vitest";

import { DEFAULT_MAX_ARTIFACT_BYTES } from "../config/config.ts";
import { seededRandom } from "../base/random.ts";
import { artifactFiles } from "../store/artifact-files.ts";
import { createSession } from "../store/commands/sessions.ts";
import { openSqliteStore } from "../store/sqlite/sqlite-store.ts";
import { aSession } from "../testing/builders.ts";
import { createSuite } from "../testing/store-suite/bench.ts";
import type { SuiteStore } from "../testing/store-suite/suite-options.ts";
import { dumpTables } from "../testing/table-dump.ts";
import { jsonlSink } from "./jsonl-sink.ts";
import { logCopier } from "./log-copier.ts";
import { restoreLog } from "./restore-log.ts";
import { sinkSuite } from "./testing/sink-suite.ts";

const suite = createSuite({
  name: "sqlite in memory",
  open: async ({ storeName, ...deps }) => openSqliteStore({ path: ":memory:", projectName: storeName, ...deps }),
  openSecond: null,
});

sinkSuite("files", () => ({
  config: (directory) => ({
    sink: "jsonl",
    path: join(directory, "sink"),
    maxArtifactBytes: DEFAULT_MAX_ARTIFACT_BYTES,
  }),
  async takeDown(directory) {
    const path = join(directory, "sink");
    renameSync(path, `${path}.away`);
    writeFileSync(path, "no directory");
    return async () => {
      rmSync(path);
      renameSync(`${path}.away`, path);
    };
  },
  async tear(_sink, directory) {
    const journal = join(directory, "sink", "journal");
    const [newest = ""] = readdirSync(journal).toReversed();
    appendFileSync(join(journal, newest), '{"seq":9999,"at":"2026-0');
    mkdirSync(join(directory, "sink", "artifacts", "ab"), { recursive: true });
    writeFileSync(join(directory, "sink", "artifacts", "ab", `${"ab".repeat(32)}.x.tmp`), "half");
  },
}));

describe("files cut off anywhere", () => {
  test("give a store of whole commands, which goes on in the same files", async () => {
    const directory = mkdtempSync(join(tmpdir(), "perdure-cut-"));
    onTestFinished(() => rmSync(directory, { recursive: true, force: true }));
    const random = seededRandom(5);
    const bench = await suite.open();
    const files = artifactFiles({ dir: join(directory, "artifacts"), random });
    for (let index = 0; index < 8; index++) await bench.create({ ref: `a${index}` }, { ref: `b${index}` });
    const copyFrom = async (store: SuiteStore, path: string): Promise<void> => {
      const sink = jsonlSink({ directory: path, random });
      const copier = logCopier({ store, journalDirectory: null, artifactFiles: files, sink, maxArtifactBytes: 0 });
      while (!(await copier.copy()).isCaughtUp);
      await sink.close();
    };
    const whole = join(directory, "whole");
    await copyFrom(bench.store, whole);
    const [name = ""] = readdirSync(join(whole, "journal"));
    const bytes = readFileSync(join(whole, "journal", name));
    const firstLine = bytes.indexOf("\n") + 1;
    for (let round = 0; round < 25; round++) {
      const path = join(directory, `cut-${round}`);
      mkdirSync(join(path, "journal"), { recursive: true });
      const at = firstLine + Math.floor(random.next() * (bytes.length - firstLine));
      // At the end of a line as often as within one.
      const end = round % 2 === 0 ? at : bytes.indexOf("\n", at) + 1;
      writeFileSync(join(path, "journal", name), bytes.subarray(0, end));
      const store = await suite.openEmpty();
      const source = jsonlSink({ directory: path, random });
      const restored = await restoreLog(
        { store, source, artifactFiles: files, random, directory },
        { mayContinue: false, mayBePartial: false, onBegin: async () => {} },
      );
      expect(restored.doubts).toEqual([]);
      await store.execute(createSession, aSession({ name: "goes on" }));
      await copyFrom(store, path);
      const again = await suite.openEmpty();
      const deps = {
        store: again,
        source: jsonlSink({ directory: path, random }),
        artifactFiles: files,
        random,
        directory,
      };
      await restoreLog(deps, { mayContinue: false, mayBePartial: false, onBegin: async () => {} });
      expect(await dumpTables(again)).toEqual(await dumpTables(store));
    }
  });
});
