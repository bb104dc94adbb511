/** The working memory of a session, as configured. */

import type { SessionId } from "../domain/ids.ts";
import type { WorkingMemory } from "../memory/working-memory.ts";
import { workingMemory } from "../memory/working-memory.ts";
import type { OperationContext } from "./operation.ts";

type MemoryContext = Pick<OperationContext, "store" | "clock" | "config" | "embedder" | "loadMemory">;

export async function sessionMemory(context: MemoryContext, sessionId: SessionId): Promise<WorkingMemory> {
  const { maxEntries, maxSizeBytes, ...settings } = context.config.workingMemory;
  const { store, clock, embedder } = context;
  const backend = await context.loadMemory();
  const limits = { maxEntries, maxSizeBytes };
  return workingMemory({ store, clock, embedder, backend }, sessionId, { ...settings, limits });
}
