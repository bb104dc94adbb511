/** Conditions a transaction goes by, looked at by the server: it fails the transaction unless all of them hold. */

import type { SqlValue, Statement } from "../command.ts";

/** A setting that nobody sets: asking for it fails. */
const PRESUMED_WRONGLY = "perdure.presumed_wrongly";
const UNDEFINED_OBJECT = "42704";

export interface Looks {
  readonly columns: readonly string[];
  readonly values: readonly SqlValue[];
}

/** What to select besides, in a statement that has so many values. */
export function lookAt(presumed: readonly Statement[], valueCount: number): Looks {
  const conditions = [...new Map(presumed.map((one) => [JSON.stringify(one), one])).values()];
  let place = valueCount;
  const columns = conditions.map(({ sql }) => {
    const condition = sql.replaceAll("?", () => `$${++place}`);
    return `case when ${condition} then null else current_setting('${PRESUMED_WRONGLY}') end`;
  });
  return { columns, values: conditions.flatMap(({ params }) => params) };
}

/** Something was not as presumed. Nothing was committed. */
export function isPresumedWrongly(error: unknown): boolean {
  return (
    error instanceof Error &&
    "code" in error &&
    error.code === UNDEFINED_OBJECT &&
    error.message.includes(PRESUMED_WRONGLY)
  );
}
