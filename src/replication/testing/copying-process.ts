/** A process that copies a store's log into a sink over and over, until it is killed: `copying-process.ts PLACE SINK`. */

import { artifactFiles } from "../../store/artifact-files.ts";
import { openForTest } from "../../store/testing/open-for-test.ts";
import { systemRandom } from "../../base/random.ts";
import type { SinkConfig } from "../../config/config.ts";
import { logCopier } from "../log-copier.ts";
import { openSink } from "../open-sink.ts";

const [place = "", said = "{}"] = process.argv.slice(2);
const config = JSON.parse(said) as SinkConfig;
const store = openForTest(`${place}/perdure.db`);
const sink = await openSink(config, { directory: place, random: systemRandom });
const files = artifactFiles({ dir: `${place}/artifacts`, random: systemRandom });
const copier = logCopier({ store, journalDirectory: null, artifactFiles: files, sink, maxArtifactBytes: 1 << 30 });
process.stdout.write("ready\n");
for (;;) {
  const { isCaughtUp, lastSeq } = await copier.copy();
  process.stdout.write(`${lastSeq}\n`);
  if (isCaughtUp) await new Promise((resolve) => setTimeout(resolve, 1));
}
