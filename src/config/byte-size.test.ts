import { expect, test } from "vitest";
import { findSizeBytes } from "./byte-size.ts";

test.each([
  ["0b", 0],
  ["512b", 512],
  ["64kb", 65_536],
  ["64 KiB", 65_536],
  ["10mb", 10 * 2 ** 20],
  ["128M", 128 * 2 ** 20],
  ["1.5gb", 1.5 * 2 ** 30],
])("reads %s", (text, bytes) => {
  expect(findSizeBytes(text)).toBe(bytes);
});

test.each(["", "10", "mb", "-1mb", "1tb", "1e3kb", "1mbb", "1 2mb"])("refuses %j", (text) => {
  expect(findSizeBytes(text)).toBeNull();
});
