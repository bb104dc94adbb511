/** Branded ids: a session's id cannot be passed where a task's is meant. All are UUIDs but the project's. */

declare const brand: unique symbol;
type Branded<Name extends string> = string & { readonly [brand]: Name };

export type ProjectId = Branded<"project">;
export type SessionId = Branded<"session">;
export type TaskId = Branded<"task">;
export type ExecutionId = Branded<"execution">;
export type WorkerId = Branded<"worker">;
export type ArtifactId = Branded<"artifact">;
export type SignalId = Branded<"signal">;
export type CheckpointId = Branded<"checkpoint">;
export type FactId = Branded<"fact">;

/** Marks a string as an id, at the edges where ids come in: rows, command lines, requests. */
export function asId<Id extends string>(value: string): Id {
  return value as Id;
}
