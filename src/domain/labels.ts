/** Labels: what a task requires of the worker that runs it, and what a worker offers. A worker with all of a task's labels may run it. */

import { PerdureError } from "../base/errors.ts";
import { LIMITS } from "./limits.ts";

export const LABEL_FORM = "letters, digits and any of . _ : / = - after the first, 1 to 63 of them";

const LABEL = /^[A-Za-z0-9][A-Za-z0-9._:/=-]{0,62}$/;

export function isLabel(text: string): boolean {
  return LABEL.test(text);
}

/** In order and each once, so that the same set is always the same text. */
export function toLabelSet(labels: readonly string[]): readonly string[] {
  return [...new Set(labels)].toSorted();
}

/** @throws PerdureError `invalid-input` or `limit-reached` naming `what` and the label that is wrong */
export function parseLabels(what: string, labels: readonly string[]): readonly string[] {
  const wrong = labels.find((label) => !isLabel(label));
  if (wrong !== undefined) {
    throw new PerdureError("invalid-input", {
      message: `${what}: this is none: ${JSON.stringify(wrong.slice(0, 80))}`,
      hint: `A label has ${LABEL_FORM}.`,
      details: { label: wrong.slice(0, 80) },
    });
  }
  const set = toLabelSet(labels);
  if (set.length <= LIMITS.labels) return set;
  throw new PerdureError("limit-reached", {
    message: `${what}: there are ${set.length}, and at most ${LIMITS.labels} are allowed`,
    hint: "Say less by labels.",
  });
}

export function hasAllLabels(offered: ReadonlySet<string>, required: readonly string[]): boolean {
  return required.every((label) => offered.has(label));
}

/** As a column holds them; `null` for none. */
export function labelsToText(labels: readonly string[]): string | null {
  return labels.length === 0 ? null : labels.join(",");
}

export function textToLabels(text: string | null): readonly string[] {
  return text === null || text === "" ? [] : text.split(",");
}
