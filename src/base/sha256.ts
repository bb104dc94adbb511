/** SHA-256, by which content is named. */

import type { Hash } from "node:crypto";

/** Loads `node:crypto` when something is hashed: that takes 4 ms, which most commands need not spend. */
export function sha256(): Hash {
  return process.getBuiltinModule("node:crypto").createHash("sha256");
}
