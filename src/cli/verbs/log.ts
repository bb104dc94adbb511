/** `perdure log` */

import type { ChangeJson } from "../../operations/json/change.ts";
import { pageInputOf, PAGE_OPTIONS, SESSION_OPTION } from "../list-options.ts";
import type { View } from "../output.ts";
import type { OptionSpec, ParsedArguments } from "../parse-arguments.ts";
import { safeLine } from "../terminal/ansi.ts";
import { truncate } from "../terminal/width.ts";
import { formatInstant } from "../text/times.ts";
import type { Call, Verb } from "../verb.ts";
import { moreWords, operationVerb } from "../verb.ts";

const OPTIONS: readonly OptionSpec[] = [
  { name: "follow", short: "f", type: "boolean", help: "go on with what happens from now on, until Ctrl-C" },
  SESSION_OPTION,
  { name: "task", type: "text", placeholder: "TASK", help: "only of this task" },
  { name: "kind", type: "text", placeholder: "KIND", help: "a verb (claim, complete) or a thing (tasks, steps)" },
  { name: "actor", type: "text", placeholder: "WHO", help: "only by them: cli, library, worker" },
  { name: "since", type: "text", placeholder: "WHEN", help: "only from then on: an instant, or 2h for two hours ago" },
  { name: "until", type: "text", placeholder: "WHEN", help: "only before then" },
  { name: "search", type: "text", placeholder: "TEXT", help: "only with this in the note" },
  { name: "after", type: "integer", placeholder: "SEQ", help: "only what came after this one, the oldest first" },
  { name: "verbose", short: "v", type: "boolean", help: "also what another line says better" },
  ...PAGE_OPTIONS,
];

const page = operationVerb({
  arguments: [],
  options: OPTIONS,
  load: async () => (await import("../../operations/log.ts")).log,
  input: (args) => ({
    ...filterOf(args),
    after: args.number("after"),
    ...pageInputOf(args),
  }),
  text({ items, nextCursor }, view, args) {
    const lines = items.filter((change) => isShown(change, args)).map((change) => changeLine(change, view));
    const isCut = nextCursor !== null && view.width !== null;
    return [...lines, ...(isCut ? [view.paint("dim", moreWords(nextCursor))] : [])].join("\n");
  },
  remarks: ({ items, hasEarlier }) =>
    hasEarlier
      ? [`… earlier: the newest ${items.length} are shown; --limit N shows more, --after SEQ what came after one`]
      : [],
});

export const log: Verb = {
  ...page,
  examples: ["perdure log", "perdure log --task build", "perdure log --follow --json"],
  async run(call) {
    return call.args.flag("follow") ? await follow(call) : await page.run(call);
  },
};

async function follow({ args, output, open }: Call): Promise<number> {
  const project = await open("existing");
  const { followChanges } = await import("../../operations/log-follow.ts");
  const { findLogFilter } = await import("../../operations/log.ts");
  const { listenForStop } = await import("../work/stop-signals.ts");
  const filter = await findLogFilter(project, filterOf(args));
  const stop = listenForStop(() => {});
  output.onClosed(stop.stop);
  const show = (change: ChangeJson): void => {
    if (output.isJson) output.printEvent(change);
    else if (isShown(change, args)) output.print(changeLine(change, output.view()));
  };
  try {
    await followChanges(project, { ...filter, after: args.number("after") }, show, stop.signal);
    return 0;
  } finally {
    stop.release();
  }
}

function filterOf(args: ParsedArguments) {
  return {
    session: args.text("session"),
    task: args.text("task"),
    kind: args.text("kind"),
    actor: args.text("actor"),
    since: args.text("since"),
    until: args.text("until"),
    search: args.text("search"),
  };
}

function isShown({ minor }: ChangeJson, args: ParsedArguments): boolean {
  return !minor || args.flag("verbose");
}

function changeLine({ at, summary }: ChangeJson, { paint, width, now }: View): string {
  const time = formatInstant(at, now);
  const text = safeLine(summary);
  return `${paint("dim", time)}  ${width === null ? text : truncate(text, Math.max(20, width - time.length - 2))}`;
}
