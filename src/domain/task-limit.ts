/**
 * Limits on how many tasks run at once and how often they start, over all workers and machines of a store: what they are
 * said of, and which hold for a task.
 */

import { LIMITS } from "./limits.ts";
import type { Rate } from "./rate.ts";
import { rateText } from "./rate.ts";

/** At least one of the two. */
export interface Bounds {
  /** Most that run side by side; `null` is any number. */
  readonly concurrency: number | null;
  /** Most starts; every claim counts, retries and takeovers among them. `null` is any number. */
  readonly rate: Rate | null;
}

/** What a task says itself: it shares these bounds with the other tasks of its key. */
export interface TaskLimit extends Bounds {
  readonly key: string;
}

/** All tasks of an executor together, all that require a label together, or those of each key for themselves. */
export const LIMIT_SUBJECTS = ["executor", "label", "key"] as const;
export type LimitSubject = (typeof LIMIT_SUBJECTS)[number];

/** A limit of the project, for whatever tasks it is about. */
export interface LimitRule extends Bounds {
  readonly subject: LimitSubject;
  /** The name of the executor or the label. Of keys also a pattern, in which `*` stands for anything. */
  readonly pattern: string;
}

/** One count: `executor:command`, `label:gpu`, `key:customer-42`. */
export type LimitId = `${LimitSubject}:${string}`;

export interface AppliedLimit extends Bounds {
  readonly id: LimitId;
}

/** What limits go by. */
export interface Limited {
  readonly executor: string;
  readonly labels: readonly string[];
  readonly limit: TaskLimit | null;
}

const ONE_AT_A_TIME: Bounds = { concurrency: 1, rate: null };

/** With its defaults: one at a time, where neither a number nor a rate is said. */
export function toTaskLimit(key: string, { concurrency, rate }: Bounds): TaskLimit {
  return concurrency === null && rate === null ? { key, ...ONE_AT_A_TIME } : { key, concurrency, rate };
}

export function isLimitKey(text: string): boolean {
  return text.trim() !== "" && text.length <= LIMITS.keyChars && !/\p{Cc}/u.test(text);
}

/** All that hold for a task, in the order in which they are locked. For a key, a rule counts and not what the task says. */
export function limitsOn(task: Limited, rules: readonly LimitRule[]): readonly AppliedLimit[] {
  const found: AppliedLimit[] = [];
  for (const { subject, pattern, concurrency, rate } of rules) {
    const isAbout = subject === "executor" ? pattern === task.executor : task.labels.includes(pattern);
    if (subject !== "key" && isAbout) found.push({ id: `${subject}:${pattern}`, concurrency, rate });
  }
  if (task.limit !== null) {
    const { concurrency, rate } = boundsOfKey(task.limit, rules);
    found.push({ id: `key:${task.limit.key}`, concurrency, rate });
  }
  return found.toSorted((one, other) => (one.id < other.id ? -1 : 1));
}

function boundsOfKey(limit: TaskLimit, rules: readonly LimitRule[]): Bounds {
  return rules.find(({ subject, pattern }) => subject === "key" && matchesPattern(pattern, limit.key)) ?? limit;
}

/** `*` stands for anything, also nothing. */
export function matchesPattern(pattern: string, text: string): boolean {
  const [first = "", ...rest] = pattern.split("*");
  const last = rest.pop();
  if (last === undefined) return pattern === text;
  if (!text.startsWith(first) || text.length < first.length + last.length || !text.endsWith(last)) return false;
  let at = first.length;
  for (const part of rest) {
    const found = text.indexOf(part, at);
    if (found === -1) return false;
    at = found + part.length;
  }
  return at <= text.length - last.length;
}

/** For people: `key customer-42`. */
export function limitName(id: LimitId): string {
  return id.replace(":", " ");
}

/** `4 at a time, 100/1m` */
export function boundsText({ concurrency, rate }: Bounds): string {
  const parts = [
    ...(concurrency === null ? [] : [`${concurrency} at a time`]),
    ...(rate === null ? [] : [rateText(rate)]),
  ];
  return parts.join(", ");
}
