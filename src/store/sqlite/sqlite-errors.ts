/** What SQLite's result codes mean to a user of Perdure. */

import { isPerdureError, messageOf, PerdureError } from "../../base/errors.ts";

const BUSY = 5;
const LOCKED = 6;
const READONLY = 8;
const IOERR = 10;
const CORRUPT = 11;
const FULL = 13;
const CANTOPEN = 14;
const NOTADB = 26;

/** SQLite's primary result code, or `null` when the error is not SQLite's. */
function resultCode(error: unknown): number | null {
  if (!(error instanceof Error) || !("errcode" in error) || typeof error.errcode !== "number") return null;
  return error.errcode & 0xff;
}

export function isBusy(error: unknown): boolean {
  const code = resultCode(error);
  return code === BUSY || code === LOCKED;
}

/** The coded error for whatever running a command threw. An error that is not SQLite's is returned as it is. */
export function fromSqliteError(error: unknown, path: string): unknown {
  const code = resultCode(error);
  if (code === null || isPerdureError(error)) return error;
  const why = messageOf(error);
  switch (code) {
    case CORRUPT:
    case NOTADB:
      return new PerdureError("store-damaged", {
        message: `The database ${path} is damaged: ${why}`,
        hint: "Nothing was changed. `perdure repair` mends it from its journal and keeps the damaged file; `perdure doctor` tells more.",
        details: { path },
        cause: error,
      });
    case FULL:
      return unreachableStore(
        path,
        `the disk is full (${why})`,
        "Free some space and run the command again; nothing was lost.",
        error,
      );
    case READONLY:
    case CANTOPEN:
      return unreachableStore(path, why, "Check that the directory exists and may be written to.", error);
    case BUSY:
    case LOCKED:
      return unreachableStore(
        path,
        "another process keeps it locked",
        "Wait, or end the process that holds it; `perdure doctor` names workers.",
        error,
      );
    case IOERR:
      return unreachableStore(path, why, "Check the disk and its free space, then run the command again.", error);
    default:
      return error;
  }
}

export function unreachableStore(path: string, why: string, hint: string, cause?: unknown): PerdureError {
  return new PerdureError("store-unreachable", {
    message: `The database ${path} cannot be used: ${why}`,
    hint,
    details: { path },
    cause,
  });
}

export function closedStore(path: string): PerdureError {
  return unreachableStore(path, "the store is closed", "Open it again with openPerdure.");
}
