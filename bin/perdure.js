#!/usr/bin/env node
// The entry of the command line: refuses a Node that is too old, in syntax that any Node since 14 parses, and starts the program.
import module from "node:module";

var needed = [22, 18];
var found = process.versions.node.split(".").map(Number);

if (found[0] > needed[0] || (found[0] === needed[0] && found[1] >= needed[1])) {
  if (module.enableCompileCache) module.enableCompileCache();
  import("../dist/cli/main.js");
} else {
  process.stderr.write(
    "error: Perdure needs Node.js " +
      needed.join(".") +
      " or newer; this is Node.js " +
      process.versions.node +
      "\n" +
      "hint: Install a newer one (https://nodejs.org, or `nvm install 24`) and run the command again.\n",
  );
  process.exitCode = 6;
}
