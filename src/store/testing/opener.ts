/** A process that opens a store at a given instant and prints its project: `opener.ts PATH START_AT`. */

import { openForTest } from "./open-for-test.ts";

const [path = "", startAt = "0"] = process.argv.slice(2);
while (Date.now() < Number(startAt));
const store = openForTest(path);
process.stdout.write(store.projectId);
await store.close();
