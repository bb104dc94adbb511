import { appendFileSync, mkdirSync, readdirSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";

import { DEFAULT_MAX_ARTIFACT_BYTES } from "../config/config.ts";
import { sinkSuite } from "./testing/sink-suite.ts";

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
