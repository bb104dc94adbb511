/**
 * The one coded error. Every failure a caller can do something about is a `PerdureError`;
 * interfaces map its code through `ERROR_CODES` and never look at messages.
 */

interface ErrorCodeInfo {
  /** Exit code of the command line. */
  readonly exit: number;
  /** HTTP status of a problem document. */
  readonly http: number;
}

export const ERROR_CODES = {
  "work-failed": { exit: 1, http: 422 },
  usage: { exit: 2, http: 400 },
  "invalid-input": { exit: 2, http: 400 },
  "invalid-plan": { exit: 2, http: 400 },
  "invalid-config": { exit: 2, http: 400 },
  unsupported: { exit: 2, http: 501 },
  "not-found": { exit: 3, http: 404 },
  conflict: { exit: 4, http: 409 },
  "wrong-state": { exit: 4, http: 409 },
  "lease-lost": { exit: 4, http: 409 },
  "journal-mismatch": { exit: 4, http: 409 },
  "limit-reached": { exit: 5, http: 429 },
  "environment-mismatch": { exit: 6, http: 409 },
  "store-too-new": { exit: 6, http: 503 },
  "store-damaged": { exit: 7, http: 503 },
  "store-unreachable": { exit: 7, http: 503 },
  bug: { exit: 70, http: 500 },
  interrupted: { exit: 130, http: 409 },
} as const satisfies Record<string, ErrorCodeInfo>;

export type ErrorCode = keyof typeof ERROR_CODES;

export interface ErrorOptions {
  /** Names the thing and its id and says what happened. */
  readonly message: string;
  /** What to do next. */
  readonly hint?: string;
  /** Machine-readable particulars; never secrets. */
  readonly details?: Readonly<Record<string, unknown>>;
  readonly cause?: unknown;
}

export class PerdureError extends Error {
  readonly code: ErrorCode;
  readonly hint: string | null;
  readonly details: Readonly<Record<string, unknown>>;

  constructor(code: ErrorCode, options: ErrorOptions) {
    super(options.message, options.cause === undefined ? undefined : { cause: options.cause });
    this.name = "PerdureError";
    this.code = code;
    this.hint = options.hint ?? null;
    this.details = options.details ?? {};
  }
}

export function isPerdureError(error: unknown, code?: ErrorCode): error is PerdureError {
  return error instanceof PerdureError && (code === undefined || error.code === code);
}

export function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
