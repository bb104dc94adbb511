/** What happens while work goes on, one line each. */

import { formatDuration } from "../../base/duration.ts";
import type { OperationEvent } from "../../operations/operation.ts";
import type { Paint, Style } from "../terminal/ansi.ts";
import { safeLine } from "../terminal/ansi.ts";
import { formatPercent } from "../terminal/progress-bar.ts";
import { padEnd } from "../terminal/width.ts";
import { shortId, taskName } from "../text/names.ts";
import { firstLine } from "../text/status-text.ts";

type Started = Extract<OperationEvent, { type: "task_started" }>;
type Ended = Extract<OperationEvent, { type: "task_ended" }>;
type Opened = Extract<OperationEvent, { type: "session_opened" }>;

const OUTCOMES: Readonly<Record<string, { readonly word: string; readonly style: Style }>> = {
  completed: { word: "completed", style: "green" },
  failed: { word: "failed", style: "red" },
  retrying: { word: "retrying", style: "yellow" },
  suspended: { word: "waiting", style: "yellow" },
  blocked: { word: "blocked", style: "yellow" },
  interrupted: { word: "interrupted", style: "yellow" },
  released: { word: "let go", style: "yellow" },
  lost: { word: "taken over", style: "yellow" },
};
const VERB_COLUMNS = 12;

/** Remembers when tasks began, to tell how long they took. */
export interface EventLines {
  lineOf(event: OperationEvent, view: { readonly paint: Paint; readonly now: number }): string;
}

export function createEventLines(): EventLines {
  const startedAt = new Map<string, number>();
  return {
    lineOf(event, { paint, now }) {
      switch (event.type) {
        case "session_opened":
          return openedLine(event, paint);
        case "notice":
          return `${paint("yellow", padEnd("notice", VERB_COLUMNS))}${safeLine(event.message)}`;
        case "task_started":
          startedAt.set(event.executionId, now);
          return startedLine(event, paint);
        case "task_ended": {
          const began = startedAt.get(event.executionId);
          startedAt.delete(event.executionId);
          return endedLine(event, began === undefined ? null : now - began, paint);
        }
        case "recovered":
          return `${paint("yellow", padEnd("taken over", VERB_COLUMNS))}${safeLine(event.title)}: ${safeLine(event.why)}`;
        case "waiting":
          return `${paint("dim", padEnd("waiting", VERB_COLUMNS))}${safeLine(event.message)}${event.until === null ? "" : `, until ${event.until}`}`;
      }
    },
  };
}

/** What was already done and what is left. */
function openedLine({ sessionId, name, counts, percent, continued, retried }: Opened, paint: Paint): string {
  const left = counts.pending + counts.blocked + counts.in_progress + counts.failed;
  const total = left + counts.completed;
  const parts =
    counts.completed === 0
      ? [`${total} ${total === 1 ? "task" : "tasks"}`]
      : [`${counts.completed} of ${total} tasks already done (${formatPercent(percent)})`, `${left} left`];
  if (continued > 0) parts.push(`${continued} going on where interrupted`);
  if (retried > 0) parts.push(`${retried} tried again`);
  return `${paint("bold", safeLine(name))} (${shortId(sessionId)}): ${parts.join(", ")}`;
}

function startedLine(event: Started, paint: Paint): string {
  const word = event.resumed ? "resumed" : "started";
  const attempt = event.attempt > 1 ? ` (attempt ${event.attempt})` : "";
  return `${paint("cyan", padEnd(word, VERB_COLUMNS))}${nameAndTitle(event)}${attempt}`;
}

function endedLine(event: Ended, tookMs: number | null, paint: Paint): string {
  const { word, style } = OUTCOMES[event.outcome] ?? { word: event.outcome, style: "yellow" };
  const took = tookMs === null ? "" : ` ${paint("dim", `(${formatDuration(tookMs)})`)}`;
  const why = event.error === null ? "" : `: ${firstLine(event.error)}`;
  return `${paint(style, padEnd(word, VERB_COLUMNS))}${nameAndTitle(event)}${took}${why}`;
}

/** The title is left out where it says the same. */
export function nameAndTitle({
  key,
  taskId,
  title,
}: {
  readonly key: string | null;
  readonly taskId: string;
  readonly title: string;
}): string {
  const name = taskName({ key, id: taskId });
  const safe = safeLine(title);
  return safe === name ? name : `${name}  ${safe}`;
}
