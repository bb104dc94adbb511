/**
 * The kinds of setting the file is made of, each with one wording of what it must be. A problem's message continues the
 * setting's name: "worker.lease must be …".
 */

import * as v from "valibot";
import { findDurationMs } from "../base/duration.ts";
import { nearest } from "../base/nearest.ts";
import { isLabel, LABEL_FORM } from "../domain/labels.ts";
import { findRate, RATE_FORM } from "../domain/rate.ts";
import { findSizeBytes } from "./byte-size.ts";

interface Bounds {
  readonly min: number;
  readonly max: number;
}

export const text = (maxChars = 10_000) =>
  setting(`a text of 1 to ${maxChars} characters`, (value) =>
    typeof value === "string" && value.trim() !== "" && value.length <= maxChars ? value : undefined,
  );

export const flag = () => setting("true or false", (value) => (typeof value === "boolean" ? value : undefined));

export const wholeNumber = ({ min, max }: Bounds) =>
  setting(`a whole number from ${min} to ${max}`, (value) =>
    typeof value === "number" && Number.isInteger(value) && value >= min && value <= max ? value : undefined,
  );

export const decimal = ({ min, max }: Bounds) =>
  setting(`a number from ${min} to ${max}`, (value) =>
    typeof value === "number" && value >= min && value <= max ? value : undefined,
  );

/** Milliseconds of a text with a unit; a bare number is refused, since its unit would be a guess. */
export const duration = (min: string, max = "3650d") =>
  setting(`a duration with a unit, from ${min} to ${max}, such as 30s or 10m`, (value) =>
    typeof value === "string" ? within(findDurationMs(value), findDurationMs(min), findDurationMs(max)) : undefined,
  );

/** So many starts in a time. */
export const rate = () =>
  setting(RATE_FORM, (value) => (typeof value === "string" ? (findRate(value) ?? undefined) : undefined));

export const label = () =>
  setting(`a label: ${LABEL_FORM}`, (value) => (typeof value === "string" && isLabel(value) ? value : undefined));

/** Bytes of a text with a unit; a bare number is refused, since its unit would be a guess. */
export const size = (min: string, max: string) =>
  setting(`a size with a unit, from ${min} to ${max}, such as 64kb or 128mb`, (value) =>
    typeof value === "string" ? within(findSizeBytes(value), findSizeBytes(min), findSizeBytes(max)) : undefined,
  );

/** A Postgres address. What was given is not shown: it may hold a password. */
export const postgresUrl = () =>
  v.pipe(
    v.unknown(),
    v.custom<string>(
      (value) => typeof value === "string" && /^postgres(?:ql)?:\/\/\S+$/.test(value),
      "must be an address that starts with postgres://",
    ),
  );

/** A Redis address, not shown for the same reason. */
export const redisUrl = () =>
  v.pipe(
    v.unknown(),
    v.custom<string>(
      (value) => typeof value === "string" && /^rediss?:\/\/\S+$/.test(value),
      "must be an address that starts with redis:// or rediss://",
    ),
  );

/** The path of a collection in Firestore: names between slashes, an odd number of them. */
export const firestoreCollection = () =>
  setting("the path of a collection, such as perdure or backups/perdure/logs", (value) =>
    typeof value === "string" && isCollectionPath(value) ? value : undefined,
  );

function isCollectionPath(path: string): boolean {
  const names = path.split("/");
  return (
    names.length % 2 === 1 && names.every((name) => /^[^\s/]{1,200}$/.test(name) && !/^(\.\.?|__.*__)$/.test(name))
  );
}

export const oneOf = <const Word extends string>(words: readonly Word[]) =>
  setting(
    words.length === 1 ? words.join() : `one of ${words.join(", ")}`,
    (value) => words.find((word) => word === value),
    (value) => {
      const likely = typeof value === "string" ? nearest(value, words) : null;
      return likely === null ? "" : `; did you mean ${likely}?`;
    },
  );

/** A mapping with these keys; others are found by `unknown-keys.ts`, which knows the nearest. */
export const mapping = <const Entries extends v.ObjectEntries>(entries: Entries) =>
  v.object(entries, (issue) =>
    issue.expected === "Object" ? `must be a mapping, not ${shown(issue.input)}` : "is missing",
  );

export const list = <const Item extends v.GenericSchema>(item: Item, maxItems = 1_000) =>
  v.pipe(
    v.array(item, (issue) => `must be a list, not ${shown(issue.input)}`),
    v.maxLength(maxItems, `must have at most ${maxItems} items`),
  );

/** A setting that `read` turns into the program's own form; `undefined` refuses it. */
function setting<T>(
  mustBe: string,
  read: (value: unknown) => T | undefined,
  advice: (value: unknown) => string = () => "",
) {
  return v.pipe(
    v.unknown(),
    v.rawTransform<unknown, T>(({ dataset, addIssue, NEVER }) => {
      const result = read(dataset.value);
      if (result !== undefined) return result;
      addIssue({ message: `must be ${mustBe}, not ${shown(dataset.value)}${advice(dataset.value)}` });
      return NEVER;
    }),
  );
}

function within(value: number | null, min: number | null, max: number | null): number | undefined {
  return value !== null && value >= (min ?? 0) && value <= (max ?? 0) ? value : undefined;
}

function shown(value: unknown): string {
  if (Array.isArray(value)) return "a list";
  if (value === null || value === undefined) return "empty";
  if (typeof value === "object") return "a mapping";
  const written = typeof value === "string" ? JSON.stringify(value) : String(value);
  return written.length > 60 ? `${written.slice(0, 60)}…` : written;
}
