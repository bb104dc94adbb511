/** What the errors of Postgres and of its connections mean: try again, or what to tell the user. */

import { isPerdureError, messageOf, PerdureError } from "../../base/errors.ts";
import { PROJECT_IS_GONE } from "./transaction-settings.ts";

/** The connection is lost or of no use any more; nothing tells whether its last statement took place. */
export class ConnectionLost extends Error {
  constructor(why: string, cause?: unknown) {
    super(why, cause === undefined ? undefined : { cause });
    this.name = "ConnectionLost";
  }
}

const ADMIN_SHUTDOWN = "57P01";
const CRASH_SHUTDOWN = "57P02";
const CANNOT_CONNECT_NOW = "57P03";
const IDLE_SESSION_ENDED = "57P05";
const IDLE_IN_TRANSACTION_ENDED = "25P03";
const TOO_MANY_CONNECTIONS = "53300";
const READ_ONLY = "25006";
const SERIALIZATION_FAILURE = "40001";
const DEADLOCK = "40P01";
const LOCK_NOT_AVAILABLE = "55P03";
const QUERY_CANCELED = "57014";
const UNDEFINED_OBJECT = "42704";
const PROTOCOL_VIOLATION = "08P01";

const LOST_CODES = new Set([
  ADMIN_SHUTDOWN,
  CRASH_SHUTDOWN,
  CANNOT_CONNECT_NOW,
  IDLE_SESSION_ENDED,
  IDLE_IN_TRANSACTION_ENDED,
  TOO_MANY_CONNECTIONS,
]);
const SOCKET_CODES = new Set([
  "ECONNREFUSED",
  "ECONNRESET",
  "EPIPE",
  "ETIMEDOUT",
  "ENETUNREACH",
  "EHOSTUNREACH",
  "EAI_AGAIN",
  "ENOENT",
]);
const AGAIN_CODES = new Set([SERIALIZATION_FAILURE, DEADLOCK, LOCK_NOT_AVAILABLE, READ_ONLY]);

/** SQLSTATE, or the code of a system call. */
function codeOf(error: unknown): string | null {
  return error instanceof Error && "code" in error && typeof error.code === "string" ? error.code : null;
}

/** Whether the connection is gone, so that another may do what this one could not. */
export function isConnectionLost(error: unknown): boolean {
  if (error instanceof ConnectionLost) return true;
  const code = codeOf(error);
  if (code === null) {
    // `pg` says these without a code.
    return (
      error instanceof Error &&
      /Connection terminated|timeout expired|timeout exceeded when trying to connect|Query read timeout|Client has encountered a connection error|Client was closed/.test(
        error.message,
      )
    );
  }
  // A pooler says so of a connection it has lost, a server of a message it cannot read.
  if (code === PROTOCOL_VIOLATION) return Object.assign({ severity: "" }, error).severity === "FATAL";
  return LOST_CODES.has(code) || SOCKET_CODES.has(code) || code.startsWith("08");
}

/** Whether the same may go through when it is done again: locks, deadlocks, a server that has just become a replica. */
export function isTransient(error: unknown): boolean {
  return isConnectionLost(error) || AGAIN_CODES.has(codeOf(error) ?? "");
}

/** Whether it is Postgres that refused, rather than the command's own code. */
export function isFromServer(error: unknown): boolean {
  return !isPerdureError(error) && /^[0-9A-Z]{5}$/.test(codeOf(error) ?? "");
}

/** The coded error for whatever talking to the server threw. An error of another origin is returned as it is. */
export function fromPostgresError(error: unknown, location: string): unknown {
  if (isPerdureError(error)) return error;
  const code = codeOf(error);
  const why = messageOf(error);
  const unreachable = (hint: string): PerdureError => unreachableStore(location, why, hint, error);
  if (isConnectionLost(error))
    return unreachable(
      "Check that the server runs and can be reached from here; nothing that was acknowledged is lost.",
    );
  if (code === null) return error;
  if (code === UNDEFINED_OBJECT && why.includes(PROJECT_IS_GONE)) return goneProject(location, error);
  if (code.startsWith("28")) return unreachable("Check the user and the password in the store's URL.");
  if (code === "3D000") return unreachable("Create the database first: `createdb NAME`.");
  if (code === "42501")
    return unreachable("The user needs the right to create a schema in this database, or to use Perdure's.");
  if (code === LOCK_NOT_AVAILABLE)
    return unreachable("Another transaction keeps it locked; the view pg_stat_activity names it.");
  if (code === QUERY_CANCELED)
    return unreachable("It took too long or was cancelled. Nothing of it was done; run it again.");
  if (code.startsWith("53") || code.startsWith("58"))
    return unreachable("Check the server's disk, memory and limits, then run the command again; nothing was lost.");
  if (code === READ_ONLY)
    return unreachable("This server is a read-only replica; name the primary in the store's URL.");
  if (code.startsWith("XX00")) {
    return new PerdureError("store-damaged", {
      message: `The database ${location} is damaged: ${why}`,
      hint: "Nothing was changed. Restore it from a backup, or from a replica of the change log with `perdure restore --from`.",
      details: { location },
      cause: error,
    });
  }
  return error;
}

export function unreachableStore(location: string, why: string, hint: string, cause?: unknown): PerdureError {
  return new PerdureError("store-unreachable", {
    message: `The database ${location} cannot be used: ${why}`,
    hint,
    details: { location },
    cause,
  });
}

function goneProject(location: string, cause: unknown): PerdureError {
  return new PerdureError("conflict", {
    message: `The project that was opened in ${location} is not there any more: a restore has made it another one since`,
    hint: "Open it again: this program has to be started anew, also when it is a server. Nothing was changed.",
    details: { location },
    cause,
  });
}
