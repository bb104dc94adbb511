/**
 * The edge of the library: what callers hand over is looked at before anything is done with it. Types say the same to those
 * who have them; others, and what came as `any`, get an error that names the argument.
 */

import * as v from "valibot";

import { PerdureError } from "../base/errors.ts";

/** A problem quotes what it was given, which may be a whole document. */
const PROBLEM_CHARS = 200;

/** Of a method: what each argument must be, by its name, in order. */
export type Shape = Readonly<Record<string, v.GenericSchema>>;

/**
 * The same methods, which refuse wrong arguments with `invalid-input`; those without a shape are as they were. Arguments are
 * handed on as they are, not as a schema would make them.
 */
export function checkedCalls<Api extends object>(
  name: string,
  api: Api,
  shapes: { readonly [Method in keyof Api]?: Shape },
): Api {
  const checked = { ...api };
  for (const [method, shape] of Object.entries<Shape | undefined>(shapes)) {
    const call: unknown = Reflect.get(api, method);
    if (shape === undefined || typeof call !== "function") continue;
    const checkedCall = async (...given: readonly unknown[]): Promise<unknown> => {
      refuseWrong(`${name}.${method}`, shape, given);
      return await Reflect.apply(call, api, given);
    };
    Reflect.set(checked, method, checkedCall);
  }
  return checked;
}

function refuseWrong(call: string, shape: Shape, given: readonly unknown[]): void {
  const names = Object.keys(shape);
  const problems = Object.entries(shape).flatMap(([argument, schema], index) => {
    const parsed = v.safeParse(schema, given[index]);
    if (parsed.success) return [];
    return parsed.issues.map((issue) =>
      `${[argument, v.getDotPath(issue)].filter(Boolean).join(".")}: ${issue.message}`.slice(0, PROBLEM_CHARS),
    );
  });
  if (problems.length === 0) return;
  throw new PerdureError("invalid-input", {
    message: `Wrong arguments for ${call}(${names.join(", ")}): ${problems.join("; ")}`,
    hint: "Its types say what it takes; nothing was changed.",
    details: { problems },
  });
}
