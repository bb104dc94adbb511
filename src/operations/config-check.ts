/** Says whether the configuration is right, and what holds by it. */

import * as v from "valibot";

import type { Config } from "../config/config.ts";
import { loadConfig } from "../config/load-config.ts";
import { defineOperation } from "./operation.ts";

const output = v.object({
  /** `null` when there is none. */
  file: v.nullable(v.string()),
  /** A file that is not right is refused with every place that is wrong. */
  valid: v.literal(true),
  config: v.record(v.string(), v.unknown()),
});

export const configCheck = defineOperation({
  name: "config-check",
  summary: "Checks perdure.yaml and shows what holds, defaults included.",
  input: v.object({}),
  output,
  run: async ({ projectDir }) => await checkConfig(projectDir),
});

/**
 * Also where the store cannot be opened.
 *
 * @throws PerdureError `invalid-config` naming every place that is wrong
 */
export async function checkConfig(projectDir: string): Promise<v.InferInput<typeof output>> {
  const config = await loadConfig(projectDir);
  return { file: config.file, valid: true, config: withoutSecrets(config) };
}

/** The address of a store may hold a password. */
function withoutSecrets(whole: Config): Record<string, unknown> {
  const { file: _file, store, ...config } = whole;
  return { ...config, store: { ...store, url: store.url === null ? null : "(not shown)" } };
}
