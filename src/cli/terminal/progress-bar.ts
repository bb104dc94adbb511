/** A progress bar in eighths of a column. */

const EIGHTHS = ["", "▏", "▎", "▍", "▌", "▋", "▊", "▉"];

/** `columns` wide. Only what is done in full shows as full. */
export function progressBar(percent: number, columns: number): string {
  const eighths = Math.floor((Math.min(100, Math.max(0, percent)) / 100) * columns * 8);
  const whole = "█".repeat(Math.floor(eighths / 8));
  const part = EIGHTHS[eighths % 8] ?? "";
  return (whole + part).padEnd(columns, "░");
}

/** As `37.5%` or `40%`. */
export function formatPercent(percent: number): string {
  return `${Number(percent.toFixed(1))}%`;
}
