/** A process that opens a store at a given instant and prints its project: `opener.ts PLACE START_AT [write]`, where it writes first. */

import { aSession } from "../../testing/builders.ts";
import { createSession } from "../commands/sessions.ts";
import { openPlaceForTest } from "./open-for-test.ts";

const [place = "", startAt = "0", act] = process.argv.slice(2);
while (Date.now() < Number(startAt));
const store = await openPlaceForTest(place);
if (act === "write") await store.execute(createSession, aSession());
process.stdout.write(store.projectId);
await store.close();
