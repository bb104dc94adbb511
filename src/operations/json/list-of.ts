/** Several of a set of words: a list of them, or one text with commas between them. */

import * as v from "valibot";

export function listOf<const Words extends readonly string[]>(words: Words) {
  return v.pipe(
    v.union([v.pipe(v.string(), v.transform(splitWords)), v.array(v.string())]),
    v.array(v.picklist(words, `must be one of ${words.join(", ")}`)),
    v.nonEmpty(`must name at least one of ${words.join(", ")}`),
  );
}

function splitWords(text: string): string[] {
  return text
    .split(",")
    .map((word) => word.trim())
    .filter((word) => word !== "");
}
