/** A process that prints the time whenever it hears of a commit: `listener.ts PATH`. */

import { writeSync } from "node:fs";

import { openForTest } from "./open-for-test.ts";

const store = openForTest(process.argv[2] ?? "");
store.onCommit(() => writeSync(1, `${Date.now()}\n`));
writeSync(1, "ready\n");
setInterval(() => {}, 2 ** 30);
