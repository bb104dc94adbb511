/** Collects what is wrong with a plan's files, so that one error names several problems at once, each at its place. */

import { PerdureError } from "../base/errors.ts";

/** A place in a plan's file; line and column from 1, the column in UTF-16 units. */
export interface Place {
  readonly file: string;
  readonly line: number;
  readonly column: number;
}

interface Problem extends Place {
  readonly message: string;
}

interface ProblemOptions {
  readonly hint?: string | undefined;
  readonly code?: "invalid-plan" | "limit-reached";
}

export interface Problems {
  add(place: Place, message: string, options?: ProblemOptions): void;
  readonly count: number;
  /** @throws PerdureError with the code of the first problem, whose place is in `details`; all that were kept are in `details.problems`. */
  throwIfAny(): void;
}

/** Problems beyond these are only counted. */
const MAX_PROBLEMS = 20;

export function collectProblems(): Problems {
  const kept: (Problem & ProblemOptions)[] = [];
  let count = 0;
  return {
    add(place, message, options = {}) {
      count++;
      const { file, line, column } = place;
      if (kept.length < MAX_PROBLEMS) kept.push({ file, line, column, message, ...options });
    },
    get count() {
      return count;
    },
    throwIfAny() {
      const first = kept[0];
      if (first !== undefined) throw errorOf(first, kept, count);
    },
  };
}

/** The error of a single problem after which reading cannot go on. */
export function planError(place: Place, message: string, options: ProblemOptions = {}): PerdureError {
  const { file, line, column } = place;
  const problem = { file, line, column, message, ...options };
  return errorOf(problem, [problem], 1);
}

function errorOf(first: Problem & ProblemOptions, kept: readonly Problem[], count: number): PerdureError {
  const lines = kept.map(({ file, line, column, message }) => `${file}:${line}:${column}: ${message}`);
  if (count > kept.length) lines.push(`and ${count - kept.length} more problems`);
  const problems = kept.map(({ file, line, column, message }) => ({ file, line, column, message }));
  return new PerdureError(first.code ?? "invalid-plan", {
    message: lines.join("\n"),
    hint: first.hint ?? "Correct the plan and try again; nothing was submitted.",
    details: { file: first.file, line: first.line, column: first.column, problems, problemCount: count },
  });
}
