/** A session: one line of work in a project. */

import type { Millis } from "../base/clock.ts";
import type { JsonObject } from "../base/json.ts";
import type { CheckpointId, ProjectId, SessionId } from "./ids.ts";
import type { StateMachine } from "./state-machine.ts";

export const SESSION_STATUSES = ["created", "active", "paused", "completed", "failed", "cancelled"] as const;
export type SessionStatus = (typeof SESSION_STATUSES)[number];

export interface Session {
  readonly id: SessionId;
  readonly projectId: ProjectId;
  readonly name: string;
  readonly status: SessionStatus;
  readonly goal: string | null;
  /** Whose it is: the agent that works in it and the user it works for, as the application calls them. */
  readonly agentId: string | null;
  readonly userId: string | null;
  /** The session it was forked or copied from, and at which checkpoint. */
  readonly originId: SessionId | null;
  readonly originCheckpointId: CheckpointId | null;
  /** The plan file it came from, relative to the project where it lies inside. */
  readonly planFile: string | null;
  /** How many tasks one worker runs side by side; `null` leaves it to the configuration. */
  readonly concurrency: number | null;
  /** Most unfinished tasks it may hold. */
  readonly maxUnfinished: number;
  readonly metadata: JsonObject;
  readonly createdAt: Millis;
  readonly updatedAt: Millis;
  readonly startedAt: Millis | null;
  readonly endedAt: Millis | null;
}

export type SessionVerb = "start" | "pause" | "resume" | "reopen" | "complete" | "fail" | "cancel" | "discard";

export const sessionMachine: StateMachine<SessionStatus, SessionVerb> = {
  noun: "session",
  transitions: {
    start: { from: ["created"], to: "active" },
    pause: { from: ["active"], to: "paused" },
    resume: { from: ["paused"], to: "active" },
    /** New or retried work in a session that had come to an end. */
    reopen: { from: ["completed", "failed"], to: "active" },
    complete: { from: ["active", "paused"], to: "completed" },
    fail: { from: ["active", "paused"], to: "failed" },
    cancel: { from: ["created", "active", "paused", "failed"], to: "cancelled" },
    /** It is about to be deleted: whatever it had come to, nothing new may begin in it. */
    discard: { from: SESSION_STATUSES, to: "cancelled" },
  },
};

/** Nothing more is left to resume in it. A failed session can be resumed: its failed tasks are tried again. */
export function isFinishedSession(status: SessionStatus): boolean {
  return status === "completed" || status === "cancelled";
}
