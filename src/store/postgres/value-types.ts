/** How Postgres values become those of the port: whole numbers as numbers, truth as 1 and 0, text as it was. */

import { assert } from "../../base/assert.ts";
import { fromStored } from "./dialect.ts";

const BOOL = 16;
const INT8 = 20;
const INT2 = 21;
const INT4 = 23;
const FLOAT4 = 700;
const FLOAT8 = 701;
const NUMERIC = 1700;

/** For `pg`: the parser of a type's text form. */
export function typeParser(oid: number): (value: string) => string | number {
  switch (oid) {
    case BOOL:
      return (value) => (value === "t" ? 1 : 0);
    case INT2:
    case INT4:
    case FLOAT4:
    case FLOAT8:
      return Number;
    case INT8:
    case NUMERIC:
      return toSafeNumber;
    default:
      return fromStored;
  }
}

function toSafeNumber(value: string): number {
  const number = Number(value);
  assert(
    !Number.isInteger(number) || Number.isSafeInteger(number),
    `${value} is a number that JavaScript holds exactly`,
  );
  return number;
}
