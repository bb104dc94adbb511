/** The change a sink ends with. */

import { PerdureError } from "../base/errors.ts";
import type { JournalLine } from "../store/journal-line.ts";
import type { RawChange } from "../store/rebuild.ts";

/** @throws PerdureError `store-damaged` when the last line is none */
export function lastChange(line: JournalLine | undefined, place: string): RawChange {
  if (line?.kind === "change") return line.change;
  const why = line?.kind === "damaged" ? line.why : "it is no change";
  throw new PerdureError("store-damaged", {
    message: `The copy of the log in ${place} is damaged at its end: ${why}`,
    hint: "Nothing is written to it. Name another place in perdure.yaml; the store has everything.",
    details: { place },
  });
}
