/** What a store's URL says: the server, and in its query what is Perdure's own. */

import { PerdureError } from "../../base/errors.ts";

export interface PostgresUrl {
  /** For the client, without what is ours. */
  readonly connectionString: string;
  /** Without secrets, for messages. */
  readonly location: string;
  /** The schema that holds the tables. Default `perdure`. */
  readonly schema: string;
  /** Which of the projects in it; `null` is the one named like the project's directory. */
  readonly project: string | null;
  /** Whether wake-ups come by LISTEN; a pooler in transaction mode does not pass them on, and then polling finds what is new. Default `true`. */
  readonly listens: boolean;
  /** Whether statements are prepared by name, which a pooler must support (PgBouncer from 1.21). Default `true`. */
  readonly prepares: boolean;
  /** Into how many partitions the hot tables are split when the schema is made; 0 is none. Default 0. */
  readonly partitions: number;
  /** Most connections of this process, at least 2. Default 4. */
  readonly poolSize: number;
}

const OWN = ["schema", "project", "listen", "prepare", "partitions", "pool"] as const;

/** @throws PerdureError `invalid-input` naming the part that is wrong. */
export function parsePostgresUrl(text: string): PostgresUrl {
  let url: URL;
  try {
    url = new URL(text);
  } catch {
    throw invalidUrl("it is no URL", "Write postgres://USER:PASSWORD@HOST:5432/DATABASE.");
  }
  const own = new Map<string, string>();
  for (const name of OWN) {
    const value = url.searchParams.get(name);
    if (value !== null) own.set(name, value);
    url.searchParams.delete(name);
  }
  const schema = own.get("schema") ?? "perdure";
  if (!/^[a-z_][a-z0-9_]{0,62}$/.test(schema))
    throw invalidUrl(`schema=${schema} is no name of a schema`, "Use lower-case letters, digits and underscores.");
  return {
    connectionString: url.href,
    location: `${url.protocol}//${url.host}${url.pathname}${schema === "perdure" ? "" : `?schema=${schema}`}`,
    schema,
    project: own.get("project") ?? null,
    listens: flag(own, "listen"),
    prepares: flag(own, "prepare"),
    partitions: count(own, "partitions", { least: 0, most: 1_024, otherwise: 0 }),
    poolSize: count(own, "pool", { least: 2, most: 100, otherwise: 4 }),
  };
}

function flag(own: ReadonlyMap<string, string>, name: string): boolean {
  const value = own.get(name) ?? "true";
  if (value === "true" || value === "false") return value === "true";
  throw invalidUrl(`${name}=${value} is neither true nor false`, `Write ${name}=false, or leave it out.`);
}

function count(
  own: ReadonlyMap<string, string>,
  name: string,
  { least, most, otherwise }: { readonly least: number; readonly most: number; readonly otherwise: number },
): number {
  const value = own.get(name);
  if (value === undefined) return otherwise;
  const number = Number(value);
  if (Number.isInteger(number) && number >= least && number <= most) return number;
  throw invalidUrl(`${name}=${value} is no number from ${least} to ${most}`, "Correct it or leave it out.");
}

function invalidUrl(why: string, hint: string): PerdureError {
  return new PerdureError("invalid-input", { message: `The URL of the Postgres store is not usable: ${why}`, hint });
}
