/** An artifact as JSON. */

import { join } from "node:path";

import * as v from "valibot";

import type { Artifact } from "../../store/commands/artifacts.ts";

export const artifactSchema = v.object({
  name: v.string(),
  mediaType: v.string(),
  sizeBytes: v.number(),
  /** SHA-256, hexadecimal. */
  hash: v.string(),
  /** Of the file with its content. Absolute. */
  path: v.string(),
});

export function artifactToJson(
  projectDir: string,
  { name, mediaType, sizeBytes, hash }: Artifact,
): v.InferInput<typeof artifactSchema> {
  const path = join(projectDir, ".perdure", "artifacts", hash.slice(0, 2), hash);
  return { name, mediaType, sizeBytes, hash, path };
}
