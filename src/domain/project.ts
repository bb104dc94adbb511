/** A project: what the work is about, usually a directory. */

import type { Millis } from "../base/clock.ts";
import type { ProjectId } from "./ids.ts";

export interface Project {
  readonly id: ProjectId;
  readonly name: string;
  readonly createdAt: Millis;
}
