/** The products on a server that are measured beside each other. */

import { hasRedis } from "../harness/servers.ts";
import type { Subject } from "./subject.ts";
import { serverOf } from "./subject.ts";

export const PERDURE: Subject = { product: "perdure postgres", durability: "default" };

const SUBJECTS: readonly Subject[] = [
  PERDURE,
  { product: "graphile-worker", durability: "default" },
  { product: "graphile-worker batched", durability: "default" },
  { product: "pg-boss", durability: "default" },
  { product: "pg-boss batched", durability: "default" },
  { product: "dbos", durability: "default" },
  { product: "dbos direct", durability: "default" },
  { product: "bullmq", durability: "default" },
];

/** Those whose server is installed; what is left out is said. */
export async function availableSubjects(): Promise<readonly Subject[]> {
  if (await hasRedis()) return SUBJECTS;
  console.error("redis-server is not installed, so BullMQ is left out");
  return SUBJECTS.filter((subject) => serverOf(subject) !== "redis");
}
