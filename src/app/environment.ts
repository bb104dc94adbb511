/** Finds out what work is done in: this program, this machine, the repository, the configuration. */

import { sha256 } from "../base/sha256.ts";
import type { Config } from "../config/config.ts";
import type { EnvironmentFingerprint } from "../domain/environment.ts";
import { MOST_CHANGED_FILES } from "../domain/environment.ts";
import { SCHEMA_VERSION } from "../store/sqlite/migrations.ts";
import { readGitStatus } from "../workspace/git-status.ts";
import { packageVersion } from "./package-version.ts";

export async function readEnvironment({
  projectDir,
  config,
}: {
  readonly projectDir: string;
  readonly config: Config;
}): Promise<EnvironmentFingerprint> {
  const git = await readGitStatus(projectDir);
  return {
    perdureVersion: packageVersion(),
    schemaVersion: SCHEMA_VERSION,
    nodeVersion: process.versions.node,
    platform: `${process.platform}-${process.arch}`,
    gitCommit: git?.commit ?? null,
    isGitDirty: (git?.changed.length ?? 0) > 0,
    configHash: configHash(config),
    changedFiles: git?.changed.slice(0, MOST_CHANGED_FILES) ?? [],
  };
}

/** Of what it says, not of where it stands; an address with a password is left out. */
function configHash(config: Config): string {
  const said = { ...config, file: null, store: { ...config.store, url: null } };
  return sha256().update(JSON.stringify(said)).digest("hex");
}
