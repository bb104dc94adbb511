/** `perdure/postgres`: the Postgres store by itself. `openPerdure({ store: "postgres://…" })` opens it for you. */

export type { PostgresStore, PostgresStoreOptions } from "./postgres-store.ts";
export { openPostgresStore } from "./postgres-store.ts";
