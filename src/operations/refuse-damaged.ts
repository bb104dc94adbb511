/** Long work begins only on a store that is whole: a damaged one would be written to, and harder to repair afterwards. */

import { PerdureError } from "../base/errors.ts";
import type { OperationContext } from "./operation.ts";

/** Reads the whole store once, about a millisecond per megabyte. @throws PerdureError `store-damaged` */
export async function refuseDamaged(context: Pick<OperationContext, "store">): Promise<void> {
  const inspection = (await context.store.inspect?.()) ?? null;
  const [problem] = inspection?.problems ?? [];
  if (inspection === null || problem === undefined) return;
  throw new PerdureError("store-damaged", {
    message: `The database ${inspection.location} is damaged: ${problem}`,
    hint: "Nothing was changed. `perdure repair` mends it from its journal and keeps the damaged file; `perdure doctor` tells more.",
    details: { path: inspection.location, problems: inspection.problems },
  });
}
