/** A number with what it counts, as people write it. */

/** `1 change`, `3 changes`. `plural` is what a regular one is not. */
export function counted(count: number, noun: string, plural = `${noun}s`): string {
  return `${count} ${count === 1 ? noun : plural}`;
}
