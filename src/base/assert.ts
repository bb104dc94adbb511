/** Statements of what must hold. A failure is a bug in Perdure and is never caught below the process edge. */

class AssertionError extends Error {
  override readonly name = "AssertionError";
}

export function assert(condition: unknown, mustHold: string): asserts condition {
  if (!condition) throw new AssertionError(`A bug in Perdure: this must hold: ${mustHold}`);
}

export function unreachable(value: never): never {
  throw new AssertionError(`A bug in Perdure: unexpected value ${JSON.stringify(value)}`);
}
