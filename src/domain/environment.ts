/** The environment work is done in, and what has changed in it since: pure rules. */

export interface EnvironmentFingerprint {
  readonly perdureVersion: string;
  readonly schemaVersion: number;
  readonly nodeVersion: string;
  /** The operating system and the processor: `linux-x64`. */
  readonly platform: string;
  /** `null` outside a git repository. */
  readonly gitCommit: string | null;
  readonly isGitDirty: boolean;
  readonly configHash: string;
  /** Files git sees as changed, at most `MOST_CHANGED_FILES` of them, in the order git lists them. */
  readonly changedFiles: readonly string[];
}

export const MOST_CHANGED_FILES = 100;

export interface EnvironmentDifference {
  readonly what: "perdure" | "schema" | "node" | "platform" | "commit" | "worktree" | "config";
  readonly recorded: string;
  readonly present: string;
  /** A sentence for people. */
  readonly message: string;
  /** Whether work may go on all the same. One that is not stops it unless forced. */
  readonly compatible: boolean;
}

/** What differs between the environment a checkpoint was made in and the present one; empty when nothing does. */
export function compareEnvironments(
  recorded: EnvironmentFingerprint,
  present: EnvironmentFingerprint,
): readonly EnvironmentDifference[] {
  const differences: EnvironmentDifference[] = [];
  const compare = (
    what: EnvironmentDifference["what"],
    values: { readonly was: string; readonly is: string },
    { message, compatible = true }: { readonly message: string; readonly compatible?: boolean },
  ): void => {
    if (values.was !== values.is) {
      differences.push({ what, recorded: values.was, present: values.is, message, compatible });
    }
  };
  const perdure = { was: recorded.perdureVersion, is: present.perdureVersion };
  compare("perdure", perdure, {
    message: `Perdure is ${perdure.is}; it was ${perdure.was}`,
    compatible: !isNewerProgram(perdure.was, perdure.is),
  });
  compare(
    "schema",
    { was: String(recorded.schemaVersion), is: String(present.schemaVersion) },
    {
      message: `the store's schema is version ${present.schemaVersion}; it was ${recorded.schemaVersion}`,
      compatible: recorded.schemaVersion <= present.schemaVersion,
    },
  );
  const node = { was: recorded.nodeVersion, is: present.nodeVersion };
  compare("node", node, {
    message: `Node is ${node.is}; it was ${node.was}`,
    compatible: (numbersOf(node.is)[0] ?? 0) >= (numbersOf(node.was)[0] ?? 0),
  });
  const platform = { was: recorded.platform, is: present.platform };
  compare("platform", platform, {
    message: `the platform is ${platform.is}; it was ${platform.was}`,
    compatible: false,
  });
  const commit = { was: recorded.gitCommit ?? "none", is: present.gitCommit ?? "none" };
  compare("commit", commit, {
    message: `the git commit is ${shortCommit(commit.is)}; it was ${shortCommit(commit.was)}`,
  });
  compare(
    "worktree",
    { was: worktree(recorded), is: worktree(present) },
    { message: `the working tree is ${worktree(present)}; it was ${worktree(recorded)}` },
  );
  compare("config", { was: recorded.configHash, is: present.configHash }, { message: "the configuration has changed" });
  return differences;
}

function worktree({ isGitDirty }: EnvironmentFingerprint): string {
  return isGitDirty ? "changed" : "clean";
}

function shortCommit(commit: string): string {
  return commit.slice(0, 12);
}

/** Whether a version is of a later `major.minor` than another; what cannot be read as a version is not. */
function isNewerProgram(version: string, than: string): boolean {
  const [major = 0, minor = 0] = numbersOf(version);
  const [thanMajor = 0, thanMinor = 0] = numbersOf(than);
  return major > thanMajor || (major === thanMajor && minor > thanMinor);
}

function numbersOf(version: string): readonly number[] {
  return version
    .replace(/^v/, "")
    .split(/[.-]/)
    .map((part) => Number.parseInt(part, 10) || 0);
}
