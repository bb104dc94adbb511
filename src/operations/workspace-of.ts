/** The workspace snapshots of a project, within its limits and without its store. */

import { isAbsolute, relative, sep } from "node:path";

import { listWorkspaceSnapshots } from "../store/commands/checkpoint-workspaces.ts";
import type { Workspace } from "../workspace/workspace.ts";
import { openWorkspace } from "../workspace/workspace.ts";
import type { OperationContext } from "./operation.ts";

type WorkspaceContext = Pick<OperationContext, "projectDir" | "config" | "clock" | "random" | "storeFiles">;

export function workspaceOf(context: WorkspaceContext): Workspace {
  const { projectDir, config, clock, random } = context;
  const { maxFiles, maxFileBytes, maxTotalBytes } = config.workspace;
  const limits = { files: maxFiles, fileBytes: maxFileBytes, totalBytes: maxTotalBytes };
  return openWorkspace({ clock, random }, { projectDir, limits, alwaysExcluded: storePaths(context) });
}

/**
 * A store that was put elsewhere in the project is no file of the workspace: restored, it would be the store of then,
 * beneath processes that use it.
 */
function storePaths({ projectDir, storeFiles }: WorkspaceContext): readonly string[] {
  return storeFiles.flatMap((file) => {
    const inside = relative(projectDir, file);
    return inside.split(sep)[0] === ".." || isAbsolute(inside) ? [] : [inside.split(sep).join("/")];
  });
}

/** The snapshot that a checkpoint with that label is to hold. */
export async function takeSnapshot(context: WorkspaceContext, label: string): Promise<string> {
  return (await workspaceOf(context).take({ label })).commit;
}

/** Forgets the snapshots that no checkpoint holds any more, or in a dry run only tells which. */
export async function forgetSnapshots(
  context: WorkspaceContext & Pick<OperationContext, "store">,
  { isDryRun }: { readonly isDryRun: boolean },
): Promise<readonly string[]> {
  const held = await context.store.execute(listWorkspaceSnapshots, null);
  return await workspaceOf(context).keepOnly(new Set(held), { isDryRun });
}
