import { FirestoreServer } from "@firestore-emulator/server";
import { afterAll, beforeAll } from "vitest";

import { seededRandom } from "../base/random.ts";
import { freePort } from "../base/testing/free-port.ts";
import { DEFAULT_MAX_ARTIFACT_BYTES } from "../config/config.ts";
import { sinkSuite } from "./testing/sink-suite.ts";

const random = seededRandom(23);
let server: FirestoreServer | null = null;
let port = 0;

beforeAll(async () => {
  port = await freePort();
  process.env.FIRESTORE_EMULATOR_HOST = `127.0.0.1:${port}`;
  // Nothing is asked of the network for who this machine is.
  process.env.METADATA_SERVER_DETECTION = "none";
  server = new FirestoreServer();
  await server.start(port);
});
afterAll(() => server?.stop());

sinkSuite("Firestore", () => ({
  config: () => ({
    sink: "firestore",
    project: "perdure-test",
    collection: `logs-${random.uuid()}`,
    maxArtifactBytes: DEFAULT_MAX_ARTIFACT_BYTES,
  }),
  async takeDown() {
    server?.stop();
    return async () => {
      // It comes back empty: the emulator keeps nothing.
      server = new FirestoreServer();
      await server.start(port);
    };
  },
  async tear(sink) {
    const hash = "cd".repeat(32);
    await sink.putContent(hash, halfOf()).catch(() => {});
  },
}));

async function* halfOf(): AsyncGenerator<Uint8Array> {
  yield Buffer.alloc(1 << 20);
  throw new Error("killed");
}
