/** What a scenario came to, in a line for people and a row for the table. */

import type { LabReport } from "./lab.ts";

export interface Row {
  readonly scenario: string;
  readonly fault: string;
  readonly times: number;
  readonly tasksMet: number;
  readonly medianMs: number;
  readonly slowestMs: number;
}

export function rowsOf(scenario: string, { recoveries }: LabReport): readonly Row[] {
  return [...Map.groupBy(recoveries, ({ fault }) => fault)].map(([fault, each]) => {
    const sorted = each.map(({ slowestMs }) => Math.round(slowestMs)).toSorted((a, b) => a - b);
    return {
      scenario,
      fault,
      times: each.length,
      tasksMet: each.reduce((sum, { affected }) => sum + affected, 0),
      medianMs: sorted[Math.floor(sorted.length / 2)] ?? 0,
      slowestMs: sorted.at(-1) ?? 0,
    };
  });
}

export function textOf(scenario: string, report: LabReport): string {
  const { audit, seconds } = report;
  const head = `${scenario}: ${audit.tasks} tasks, ${audit.steps} steps, ${audit.takeovers} takeovers, ${audit.repeatedEffects} effects repeated before their record, ${audit.repeatedOnce.length} of once steps (and ${audit.lateOnce.length} by a process that woke), ${audit.staleBegins.length} steps begun by one taken over from; ${seconds} s`;
  const lines = rowsOf(scenario, report).map(
    ({ fault, times, tasksMet, medianMs, slowestMs }) =>
      `  ${fault}: ${times} times, ${tasksMet} tasks met, went on after ${medianMs} ms (median), ${slowestMs} ms (slowest)`,
  );
  return [head, ...lines].join("\n");
}
