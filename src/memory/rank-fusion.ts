/** Several rankings of the same things made into one: reciprocal rank fusion (Cormack, Clarke and Büttcher, 2009), k = 60. */

const K = 60;

/** Scores by thing; each ranking lists the best first and need not hold all. */
export function fuseRankings<Thing>(rankings: readonly (readonly Thing[])[]): ReadonlyMap<Thing, number> {
  const scores = new Map<Thing, number>();
  for (const ranking of rankings) {
    for (const [at, thing] of ranking.entries()) scores.set(thing, (scores.get(thing) ?? 0) + 1 / (K + at + 1));
  }
  return scores;
}
