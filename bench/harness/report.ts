/** What a benchmark found: tables of figures, and the targets they are held to. */

export interface Check {
  readonly what: string;
  readonly target: string;
  readonly actual: string;
  readonly isMet: boolean;
}

export interface Findings {
  readonly columns: readonly string[];
  readonly rows: readonly (readonly string[])[];
  /** What a reader must know to judge the figures. */
  readonly notes: readonly string[];
  readonly checks: readonly Check[];
}

export interface Benchmark {
  readonly name: string;
  readonly title: string;
  run(options: { readonly isQuick: boolean }): Promise<Findings>;
}

/** A figure that must be at most, or at least, something. */
export function check(
  what: string,
  {
    actual,
    atLeast,
    atMost,
    unit,
  }: {
    readonly actual: number;
    readonly atLeast?: number;
    readonly atMost?: number;
    readonly unit: string;
  },
): Check {
  const isMet = (atLeast === undefined || actual >= atLeast) && (atMost === undefined || actual <= atMost);
  const target = atLeast === undefined ? `≤ ${number(atMost ?? 0)} ${unit}` : `≥ ${number(atLeast)} ${unit}`;
  return { what, target, actual: `${number(actual)} ${unit}`, isMet };
}

/** To about three digits. */
export function number(value: number): string {
  if (!Number.isFinite(value)) return "–";
  if (Math.abs(value) >= 1_000) return Math.round(value).toLocaleString("en");
  return Number(value.toPrecision(3)).toString();
}

export function ratio(value: number): string {
  return `${number(Number(value.toPrecision(2)))}×`;
}

export function formatTable(columns: readonly string[], rows: readonly (readonly string[])[]): string {
  const widths = columns.map((column, at) => Math.max(column.length, ...rows.map((row) => (row[at] ?? "").length)));
  const line = (cells: readonly string[]): string =>
    cells
      .map((cell, at) => (at === 0 ? cell.padEnd(widths[at] ?? 0) : cell.padStart(widths[at] ?? 0)))
      .join("  ")
      .trimEnd();
  return [line(columns), line(widths.map((width) => "─".repeat(width))), ...rows.map(line)].join("\n");
}

export function formatFindings({ columns, rows, notes, checks }: Findings): string {
  return [formatTable(columns, rows), ...notes.map((note) => `  ${note}`), ...checks.map(formatCheck)].join("\n");
}

export function formatCheck({ what, target, actual, isMet }: Check): string {
  return `  ${isMet ? "ok    " : "MISSED"}  ${what}: ${actual} (target ${target})`;
}
