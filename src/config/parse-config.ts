/** Reads the text of a configuration file. Loads `yaml` and `valibot`, so it is itself loaded only when there is something to read. */

import * as v from "valibot";
import type { Config } from "./config.ts";
import { findContradictions } from "./contradictions.ts";
import { FILE_SCHEMA } from "./file-schema.ts";
import { fileToConfig } from "./file-to-config.ts";
import { invalidConfig, pathText, type Problem, type SettingPath } from "./problem.ts";
import { findUnknownKeys } from "./unknown-keys.ts";
import { parseYaml, readDocument, type YamlSource } from "./yaml-source.ts";

/**
 * The configuration a text gives, with the defaults where it says nothing. `file` is its name in messages.
 *
 * Nothing is taken from the environment: a text gives the same configuration everywhere.
 *
 * @throws PerdureError `invalid-config` with up to 20 problems, each with line, column and, for an unknown key, the
 * nearest known one; as data in `details.problems`.
 */
export function parseConfig(text: string, file: string): Config {
  const { source, problems } = parseYaml(text);
  if (problems.length > 0) throw invalidConfig(file, problems);
  const read = readDocument(source);
  if ("problem" in read) throw invalidConfig(file, [read.problem]);

  const unknown = findUnknownKeys(source, FILE_SCHEMA);
  const parsed = v.safeParse(FILE_SCHEMA, read.data ?? {});
  const wrong = (parsed.issues ?? []).map((issue) => issueToProblem(issue, source));
  if (!parsed.success || unknown.length > 0) throw invalidConfig(file, [...unknown, ...wrong]);

  const contradictions = findContradictions(parsed.output);
  if (contradictions.length > 0) {
    throw invalidConfig(
      file,
      contradictions.map(({ path, message }) => source.problemAt(path, message)),
    );
  }
  return fileToConfig(parsed.output, file);
}

function issueToProblem(issue: v.BaseIssue<unknown>, source: YamlSource): Problem {
  const path: SettingPath = (issue.path ?? []).map(({ key }) => (typeof key === "number" ? key : String(key)));
  return source.problemAt(path, `${pathText(path) || "the file"} ${issue.message}`);
}
