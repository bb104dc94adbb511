/** Keys for tasks that have none of their own. */

const MAX_SLUG_CHARS = 60;

/** Words of a title in lower case, joined by `-` and cut at a word: `Add --dry-run flag` is `add-dry-run-flag`. */
export function slugOf(title: string): string {
  const words = title
    .slice(0, 400)
    .normalize("NFKC")
    .toLowerCase()
    .split(/[^\p{L}\p{M}\p{N}]+/u)
    .filter((word) => /[\p{L}\p{N}]/u.test(word));
  let slug = "";
  for (const word of words) {
    if (slug !== "" && slug.length + 1 + word.length > MAX_SLUG_CHARS) break;
    slug = slug === "" ? [...word].slice(0, MAX_SLUG_CHARS).join("") : `${slug}-${word}`;
  }
  return slug === "" ? "task" : slug;
}

export interface KeyRegistry {
  has(key: string): boolean;
  /** Takes a key, or, when it is taken, the first free one of `key-2`, `key-3` … */
  take(key: string): string;
}

export function keyRegistry(): KeyRegistry {
  /** Each taken key, with the number its next double tries first. */
  const nextNumber = new Map<string, number>();
  return {
    has: (key) => nextNumber.has(key),
    take(key) {
      let n = nextNumber.get(key) ?? 1;
      let free = key;
      while (nextNumber.has(free)) free = `${key}-${++n}`;
      nextNumber.set(key, n);
      if (free !== key) nextNumber.set(free, 1);
      return free;
    },
  };
}
