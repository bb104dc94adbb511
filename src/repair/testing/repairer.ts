/** A process for the tests: repairs the project in the directory it is given, and says when it begins. */

import { labProject } from "./damage-lab.ts";

const project = labProject(process.argv[2] ?? "");
process.stdout.write("ready\n");
await project.repair();
process.stdout.write("done\n");
