import { describe, expect, test } from "vitest";

import { parseSchedule, parseScheduleText } from "./schedule-text.ts";

describe("parseScheduleText", () => {
  test.each([
    ["daily 07:00", { type: "daily", time: "07:00", timezone: null }],
    ["daily 07:00 Europe/Berlin", { type: "daily", time: "07:00", timezone: "Europe/Berlin" }],
    ["every 15m", { type: "every", intervalMs: 900_000 }],
    ["every 1h 30m", { type: "every", intervalMs: 5_400_000 }],
    ["in 30m", { type: "in", delayMs: 1_800_000 }],
    ["at 2026-12-01T09:00:00Z", { type: "at", at: Date.UTC(2026, 11, 1, 9) }],
    ["cron 0 7 * * 1-5", { type: "cron", cron: "0 7 * * 1-5", timezone: null }],
    ["cron 0 7 * * 1-5 UTC", { type: "cron", cron: "0 7 * * 1-5", timezone: "UTC" }],
    ["cron */5 * * * * Europe/Berlin", { type: "cron", cron: "*/5 * * * *", timezone: "Europe/Berlin" }],
    ["cron 0 0 7 * * MON-FRI", { type: "cron", cron: "0 0 7 * * MON-FRI", timezone: null }],
    ["cron 0 0 7 * * MON", { type: "cron", cron: "0 0 7 * * MON", timezone: null }],
    ["cron 0 7 * * 1 Europe/Berlim", { type: "cron", cron: "0 7 * * 1", timezone: "Europe/Berlim" }],
  ])("reads %s", (text, schedule) => {
    expect(parseScheduleText(text)).toEqual(schedule);
  });

  test.each([
    "",
    "weekly",
    "daily",
    "daily 07:00 Europe/Berlin x",
    "every",
    "every soon",
    "at tomorrow",
    "at 2026-12-01T09:00:00",
    "cron 0 7",
  ])("refuses %j", (text) => {
    expect(() => parseScheduleText(text)).toThrow(expect.objectContaining({ code: "invalid-input" }));
  });
});

describe("parseSchedule", () => {
  test.each([
    [
      { time: "07:00", timezone: null },
      { type: "daily", time: "07:00", timezone: null },
    ],
    [
      { cron: "0 7 * * *", timezone: "UTC" },
      { type: "cron", cron: "0 7 * * *", timezone: "UTC" },
    ],
    [{ every: "15m" }, { type: "every", intervalMs: 900_000 }],
    [{ every: 1_000 }, { type: "every", intervalMs: 1_000 }],
    [{ in: "5s" }, { type: "in", delayMs: 5_000 }],
    [{ at: "2026-12-01T10:00:00+01:00" }, { type: "at", at: Date.UTC(2026, 11, 1, 9) }],
  ])("reads the object %j", (said, schedule) => {
    expect(parseSchedule(said)).toEqual(schedule);
  });
});
