/** Ranges of change numbers, both ends included. */

export interface SeqRange {
  readonly from: number;
  readonly to: number;
}

/** What of `from`–`to` is not among `present`. */
export function missingBetween(present: readonly number[], from: number, to: number): readonly SeqRange[] {
  const missing: SeqRange[] = [];
  let expected = from;
  for (const seq of present.toSorted((one, other) => one - other)) {
    if (seq < expected) continue;
    if (seq > to) break;
    if (seq > expected) missing.push({ from: expected, to: seq - 1 });
    expected = seq + 1;
  }
  if (expected <= to) missing.push({ from: expected, to });
  return missing;
}

export function rangesOf(seqs: readonly number[]): readonly SeqRange[] {
  const ranges: { from: number; to: number }[] = [];
  for (const seq of seqs.toSorted((one, other) => one - other)) {
    const last = ranges.at(-1);
    if (last !== undefined && seq === last.to + 1) last.to = seq;
    else ranges.push({ from: seq, to: seq });
  }
  return ranges;
}
