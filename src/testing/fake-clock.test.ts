import { describe, expect, it } from "vitest";

import { fakeClock } from "./fake-clock.ts";

describe("fakeClock", () => {
  it("stands still until it is advanced", () => {
    const clock = fakeClock(1_000);
    expect([clock.now(), clock.now()]).toEqual([1_000, 1_000]);
    clock.advance(5);
    expect(clock.now()).toBe(1_005);
  });

  it("fires timers in the order they are due, each at its own instant", () => {
    const clock = fakeClock(0);
    const fired: [string, number][] = [];
    clock.setTimer(20, () => fired.push(["late", clock.now()]));
    clock.setTimer(10, () => fired.push(["early", clock.now()]));
    clock.setTimer(10, () => fired.push(["early too", clock.now()]));
    clock.advance(19);
    expect(fired).toEqual([
      ["early", 10],
      ["early too", 10],
    ]);
    expect([clock.now(), clock.nextTimerAt]).toEqual([19, 20]);
  });

  it("fires what a timer sets when that comes due in the same advance", () => {
    const clock = fakeClock(0);
    let ticks = 0;
    const tick = (): void => {
      ticks += 1;
      clock.setTimer(10, tick);
    };
    clock.setTimer(10, tick);
    clock.advance(35);
    expect([ticks, clock.nextTimerAt]).toEqual([3, 40]);
  });

  it("does not fire a timer that was cancelled", () => {
    const clock = fakeClock(0);
    let fired = 0;
    const cancel = clock.setTimer(10, () => (fired += 1));
    cancel();
    clock.advance(100);
    expect([fired, clock.nextTimerAt]).toEqual([0, null]);
  });

  it("refuses to go back", () => {
    const clock = fakeClock(100);
    expect(() => clock.advanceTo(99)).toThrow(RangeError);
  });
});
