/** The shortest way to send a statement by `pg`, whose own copies each property of what it is given with its descriptor. */

import type { PoolClient, Query, QueryResult } from "pg";

export interface PlainQuery {
  readonly text: string;
  readonly values?: unknown[];
  /** Of a statement the server keeps. */
  readonly name?: string;
}

type SentQuery = Query & {
  name?: string | undefined;
  query_timeout?: number;
  callback?: (error: Error | null, result: QueryResult) => void;
};

type WithQuery = PoolClient & { readonly constructor: { readonly Query: typeof Query } };

/** The answer is waited for so long; then its connection is lost. */
export function sendPlain(
  client: PoolClient,
  { text, values, name }: PlainQuery,
  timeoutMs: number,
): Promise<QueryResult> {
  const query: SentQuery = new (client as WithQuery).constructor.Query(text, values);
  query.name = name;
  query.query_timeout = timeoutMs;
  const { promise, resolve, reject } = Promise.withResolvers<QueryResult>();
  query.callback = (error, result) => (error === null || error === undefined ? resolve(result) : reject(error));
  client.query(query);
  return promise;
}
