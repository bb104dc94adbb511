/** What the library's methods take, as far as it can be told before the store is asked. */

import * as v from "valibot";

import { CHECKPOINT_KINDS } from "../domain/checkpoint.ts";
import { FACT_KINDS, FACT_STATUSES } from "../domain/fact.ts";
import { SESSION_STATUSES } from "../domain/session.ts";
import { TASK_STATUSES } from "../domain/task.ts";
import type { Shape } from "./checked-calls.ts";

const text = v.string();
const mayBeText = v.optional(text);
const mayBeNumber = v.optional(v.number());
const mayBeFlag = v.optional(v.boolean());
const reference = v.pipe(text, v.nonEmpty("is empty"));
const kinds = v.optional(v.array(v.picklist(FACT_KINDS)));
const statuses = v.optional(v.array(v.picklist(FACT_STATUSES)));

const ONE: Shape = { reference };

export const FACT_SHAPES = {
  remember: {
    fact: v.object({
      text,
      source: text,
      kind: v.optional(v.picklist(FACT_KINDS)),
      trust: mayBeNumber,
      supersedes: v.optional(reference),
      dependsOn: v.optional(v.array(reference)),
      again: mayBeFlag,
    }),
  },
  recall: {
    query: v.union(
      [text, v.object({ query: text, maxTokens: mayBeNumber, kinds, statuses, limit: mayBeNumber })],
      "is a text, or an object with one as its query",
    ),
  },
  get: ONE,
  list: {
    filter: v.optional(v.object({ kinds, statuses, source: mayBeText, after: mayBeNumber, limit: mayBeNumber })),
  },
  forget: { reference, reason: text },
  confirm: { reference, note: mayBeText },
  edit: { reference, text },
  history: ONE,
  export: { filter: v.optional(v.object({ kinds, statuses })) },
  import: { file: text },
} satisfies Readonly<Record<string, Shape>>;

export const MEMORY_SHAPES = {
  store: {
    key: text,
    value: v.unknown(),
    options: v.optional(
      v.object({ importance: mayBeNumber, ttl: v.optional(v.nullable(v.union([v.number(), text]))) }),
    ),
  },
  retrieve: { key: text },
  list: { options: v.optional(v.object({ prefix: mayBeText, after: mayBeNumber, limit: mayBeNumber })) },
  delete: { key: text },
  getSummary: {
    options: v.optional(
      v.object({ strategy: v.optional(v.picklist(["recent", "important", "semantic"])), maxTokens: mayBeNumber }),
    ),
  },
} satisfies Readonly<Record<string, Shape>>;

export const CHECKPOINT_SHAPES = {
  create: { session: reference, options: v.optional(v.object({ label: v.optional(reference), workspace: mayBeFlag })) },
  get: ONE,
  list: {
    session: reference,
    filter: v.optional(
      v.object({
        kinds: v.optional(v.array(v.picklist(CHECKPOINT_KINDS))),
        before: mayBeNumber,
        limit: mayBeNumber,
      }),
    ),
  },
  restore: {
    reference,
    options: v.optional(v.object({ waitMs: mayBeNumber, force: mayBeFlag, workspace: mayBeFlag })),
  },
  fork: { reference, options: v.optional(v.object({ name: v.optional(reference) })) },
  diff: { from: reference, to: v.optional(reference) },
} satisfies Readonly<Record<string, Shape>>;

const newSession: Shape = {
  session: v.object({
    name: text,
    goal: v.optional(v.nullable(text)),
    agent: v.optional(v.nullable(text)),
    user: v.optional(v.nullable(text)),
    maxUnfinished: mayBeNumber,
  }),
};

export const SESSION_SHAPES = {
  create: newSession,
  ensure: newSession,
  get: ONE,
  list: {
    filter: v.optional(
      v.object({ statuses: v.optional(v.array(v.picklist(SESSION_STATUSES))), search: mayBeText, limit: mayBeNumber }),
    ),
  },
  overview: ONE,
  statistics: ONE,
  resumePoint: ONE,
  rename: { reference, name: text },
  start: ONE,
  pause: ONE,
  resume: ONE,
  complete: { reference, note: mayBeText },
  fail: { reference, note: mayBeText },
  cancel: ONE,
  delete: ONE,
  export: { reference, path: text },
  import: { path: text, options: v.optional(v.object({ newIds: mayBeFlag })) },
} satisfies Readonly<Record<string, Shape>>;

const content = v.object({}, "is an object with a role and its content");

export const MESSAGE_SHAPES = {
  append: { session: reference, messages: v.union([v.array(content), content], "is a message or a list of them") },
  list: {
    session: reference,
    options: v.optional(
      v.object({
        order: v.optional(v.picklist(["oldest", "newest"])),
        cursor: v.optional(v.nullable(text)),
        limit: mayBeNumber,
      }),
    ),
  },
  totals: { session: reference },
} satisfies Readonly<Record<string, Shape>>;

const newTask = v.object({
  title: text,
  executor: v.union([text, v.object({ name: text })], "is a name, or what define returned"),
  description: mayBeText,
  priority: mayBeNumber,
  key: mayBeText,
  session: mayBeText,
  parent: mayBeText,
  needs: v.optional(v.array(text)),
  maxRetries: mayBeNumber,
});

export const TASK_SHAPES = {
  create: { task: newTask },
  createAll: { tasks: v.array(newTask), options: v.optional(v.object({ session: mayBeText })) },
  get: ONE,
  list: {
    filter: v.optional(
      v.object({
        session: mayBeText,
        statuses: v.optional(v.array(v.picklist(TASK_STATUSES))),
        minPriority: mayBeNumber,
        search: mayBeText,
        limit: mayBeNumber,
      }),
    ),
  },
  cancel: { reference, reason: mayBeText },
  retry: ONE,
  interrupt: ONE,
  complete: ONE,
  signal: { reference, name: text },
  resolve: { reference, decision: v.picklist(["done", "retry", "skip"]) },
} satisfies Readonly<Record<string, Shape>>;
