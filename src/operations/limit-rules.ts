/** The limits of the project, as this machine's configuration says them: whoever begins to work makes them the store's. */

import type { Config } from "../config/config.ts";
import { setLimitRules } from "../store/commands/limit-rules.ts";
import type { StoreDep } from "../store/port.ts";

/** A configuration that says nothing leaves what another machine has said. */
export async function applyLimitRules({ store, config }: StoreDep & { readonly config: Config }): Promise<void> {
  if (config.limits.tasks !== null) await store.execute(setLimitRules, { rules: config.limits.tasks });
}
