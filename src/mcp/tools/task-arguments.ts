/** Arguments that several tools take, described once. */

import * as v from "valibot";

import { LIMITS } from "../../domain/limits.ts";

/** An id, the beginning of one, or a key. */
export const taskId = v.pipe(v.string(), v.nonEmpty("names no task"), v.description("id, its beginning, or key"));

export const agent = v.optional(
  v.pipe(
    v.string(),
    v.nonEmpty("is empty"),
    v.maxLength(LIMITS.nameChars),
    v.description("your name, if several agents share this server"),
  ),
);
