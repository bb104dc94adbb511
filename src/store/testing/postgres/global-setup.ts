/** For vitest: gives the run a place for PostgreSQL servers, and takes down whatever was started there. */

import { createRun } from "./run-directory.ts";

export default createRun;
