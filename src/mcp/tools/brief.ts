/** `get_brief` */

import * as v from "valibot";

import { brief } from "../../operations/brief.ts";
import { recoverLost } from "../../operations/manual-claims.ts";
import { runOperation } from "../../operations/operation.ts";
import { countFitting } from "../answer-limits.ts";
import { NO_PROJECT } from "../before-project.ts";
import { toBriefText } from "../brief-text.ts";
import { answer, defineTool, READS } from "../tool.ts";

const tokens = v.optional(v.pipe(v.number(), v.integer(), v.minValue(100), v.maxValue(10_000)), 1_000);

export const getBrief = defineTool({
  name: "get_brief",
  description:
    "Tells where the work stands, rendered from the record: what is done, in progress, next and blocked, with decisions and findings. Call it first, and after your context was cut.",
  annotations: READS,
  input: v.strictObject({ tokens, session: v.optional(v.string()) }),
  output: v.object({
    brief: v.string(),
    session_id: v.nullable(v.string()),
    counts: v.record(v.string(), v.number()),
    /** The first of each; the counts tell how many there are. */
    done: v.array(v.string()),
    now: v.array(v.string()),
    next: v.array(v.string()),
  }),
  beforeProject: { brief: NO_PROJECT, session_id: null, counts: {}, done: [], now: [], next: [] },
  async run(context, { tokens: budget, session }) {
    // What vanished agents held is ready again, and told as such.
    await recoverLost(context);
    const told = await runOperation(brief, context, { input: { tokens: budget, session: session ?? null } });
    const text = toBriefText(told);
    const namesOf = async (tasks: readonly Named[]): Promise<readonly string[]> => {
      const names = tasks.slice(0, MOST_NAMES).map(({ key, taskId }) => key ?? taskId.slice(0, 8));
      return names.slice(0, await countFitting(names, Math.ceil(budget * NAMES_SHARE)));
    };
    return answer(
      {
        brief: text,
        session_id: told.session?.id ?? null,
        counts: told.counts,
        done: [...(await namesOf(told.done))],
        now: [...(await namesOf(told.now))],
        next: [...(await namesOf(told.next))],
      },
      text,
    );
  },
});

interface Named {
  readonly key: string | null;
  readonly taskId: string;
}

/** Of the budget, for each list: the text tells the same, and many agents read both. */
const NAMES_SHARE = 0.1;
const MOST_NAMES = 500;
