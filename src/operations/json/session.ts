/** A session as JSON. */

import * as v from "valibot";

import type { Session } from "../../domain/session.ts";
import { SESSION_STATUSES } from "../../domain/session.ts";
import { toIso, toIsoOrNull } from "./times.ts";

export const sessionSchema = v.object({
  id: v.string(),
  projectId: v.string(),
  name: v.string(),
  status: v.picklist(SESSION_STATUSES),
  goal: v.nullable(v.string()),
  agentId: v.nullable(v.string()),
  userId: v.nullable(v.string()),
  originId: v.nullable(v.string()),
  originCheckpointId: v.nullable(v.string()),
  planFile: v.nullable(v.string()),
  concurrency: v.nullable(v.number()),
  metadata: v.record(v.string(), v.unknown()),
  createdAt: v.string(),
  updatedAt: v.string(),
  startedAt: v.nullable(v.string()),
  endedAt: v.nullable(v.string()),
});

export type SessionJson = v.InferInput<typeof sessionSchema>;

export function sessionToJson(session: Session): SessionJson {
  return {
    id: session.id,
    projectId: session.projectId,
    name: session.name,
    status: session.status,
    goal: session.goal,
    agentId: session.agentId,
    userId: session.userId,
    originId: session.originId,
    originCheckpointId: session.originCheckpointId,
    planFile: session.planFile,
    concurrency: session.concurrency,
    metadata: { ...session.metadata },
    createdAt: toIso(session.createdAt),
    updatedAt: toIso(session.updatedAt),
    startedAt: toIsoOrNull(session.startedAt),
    endedAt: toIsoOrNull(session.endedAt),
  };
}
