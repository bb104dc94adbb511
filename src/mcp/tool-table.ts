/** Every tool there is. An operation gets its tool by being named here, in the order a model reads them. */

import type { ProjectTool } from "./tool.ts";
import { createBackgroundTask } from "./tools/background-task.ts";
import { getBrief } from "./tools/brief.ts";
import { createCheckpoint, restoreCheckpoint } from "./tools/checkpoints.ts";
import { engineInterrupt, engineResume } from "./tools/engine.ts";
import { recall, remember } from "./tools/knowledge.ts";
import { listAllTasks } from "./tools/list-tasks.ts";
import { nextTask } from "./tools/next-task.ts";
import { submitPlan } from "./tools/submit-plan.ts";
import { getTaskStatus } from "./tools/task-status.ts";
import { updateTask } from "./tools/update-task.ts";
import { retrieveWorkingMemory, storeWorkingMemory } from "./tools/working-memory.ts";

export const TOOLS: readonly ProjectTool[] = [
  getBrief,
  nextTask,
  updateTask,
  submitPlan,
  createBackgroundTask,
  getTaskStatus,
  listAllTasks,
  remember,
  recall,
  storeWorkingMemory,
  retrieveWorkingMemory,
  createCheckpoint,
  restoreCheckpoint,
  engineInterrupt,
  engineResume,
];
