/** What a lost row was called, as far as any change of it tells. */

import { isJsonObject } from "../base/json.ts";
import type { RawChange } from "../store/rebuild.ts";
import type { LostRow } from "./reconcile.ts";

const NAMES = ["title", "name", "label", "key", "text"];

export function lostRowName({ entity, rowKey }: LostRow, changes: ReadonlyMap<number, RawChange>): string | null {
  for (const change of changes.values()) {
    if (change.entity !== entity || change.rowKey !== rowKey) continue;
    for (const logged of [change.after, change.before]) {
      const columns: unknown = logged === null ? null : JSON.parse(logged);
      if (!isJsonObject(columns)) continue;
      const name = NAMES.map((column) => columns[column]).find((value) => typeof value === "string");
      if (typeof name === "string") return name;
    }
  }
  return null;
}
