/** The project the scripted agents work through: twenty tasks, each of which needs some before it. */

export interface PlannedTask {
  readonly id: string;
  readonly title: string;
  readonly needs: readonly string[];
}

/** Layers of four, each task of which needs two or three of the layer before. */
export const AGENT_PLAN: readonly PlannedTask[] = Array.from({ length: 20 }, (_, at) => {
  const layer = Math.floor(at / 4);
  const before = Array.from({ length: 4 }, (_unused, of) => (layer - 1) * 4 + of);
  const needs = layer === 0 ? [] : before.filter((of) => (of + at) % 3 !== 0).map((of) => `t${of + 1}`);
  return { id: `t${at + 1}`, title: `Part ${at + 1}`, needs };
});

/** What is ready when these are done. */
export function readyAfter(done: ReadonlySet<string>): readonly string[] {
  return AGENT_PLAN.filter(({ id, needs }) => !done.has(id) && needs.every((need) => done.has(need))).map(
    ({ id }) => id,
  );
}

/** What an agent writes down outside of Perdure, a line each, as it happens. */
export type Noted =
  | {
      readonly what: "brief";
      readonly agent: string;
      readonly done: string[];
      readonly now: string[];
      readonly next: string[];
    }
  | { readonly what: "took" | "reporting" | "acknowledged"; readonly agent: string; readonly task: string }
  /** `asks`: for the brief that it writes down next. */
  | { readonly what: "asks" | "finished"; readonly agent: string };
