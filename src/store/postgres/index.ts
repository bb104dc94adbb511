/** `perdure/postgres`: the Postgres store by itself. `openPerdure({ store: "postgres://…" })` opens it for you. */

export type { PostgresStoreOptions } from "./opening.ts";
export type { PostgresStore } from "./postgres-store.ts";
export { openPostgresStore } from "./postgres-store.ts";
