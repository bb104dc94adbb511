/** Chance comes in from outside (INV-10): ids and jitter are drawn from a `Random`. */

export interface Random {
  /** A number in [0, 1). */
  next(): number;
  /** A version 4 UUID. */
  uuid(): string;
}

export interface RandomDep {
  readonly random: Random;
}

/** By the global `crypto`, which Node loads only once it is used. */
export const systemRandom: Random = {
  next: () => (crypto.getRandomValues(new Uint32Array(1))[0] ?? 0) / 2 ** 32,
  uuid: () => crypto.randomUUID(),
};

/** The same seed gives the same sequence. Mulberry32, by Tommy Ettinger; not for secrets. */
export function seededRandom(seed: number): Random {
  let state = seed >>> 0;
  const next32 = (): number => {
    state = (state + 0x6d2b79f5) >>> 0;
    let t = state;
    t = Math.imul(t ^ (t >>> 15), t | 1);
    t ^= t + Math.imul(t ^ (t >>> 7), t | 61);
    return (t ^ (t >>> 14)) >>> 0;
  };
  const hex8 = (): string => next32().toString(16).padStart(8, "0");
  return {
    next: () => next32() / 2 ** 32,
    uuid() {
      const h = hex8() + hex8() + hex8() + hex8();
      const variant = ((Number.parseInt(h.charAt(16), 16) & 3) | 8).toString(16);
      return `${h.slice(0, 8)}-${h.slice(8, 12)}-4${h.slice(13, 16)}-${variant}${h.slice(17, 20)}-${h.slice(20)}`;
    },
  };
}
