/** What the live region shows while work goes on: a bar for the whole, and a line for each task that runs. Pure. */

import type { Paint } from "../terminal/ansi.ts";
import { safeLine } from "../terminal/ansi.ts";
import type { Span } from "../terminal/line.ts";
import { fitLine } from "../terminal/line.ts";
import { formatPercent, progressBar } from "../terminal/progress-bar.ts";
import { displayWidth, truncate } from "../terminal/width.ts";
import { taskName } from "../text/names.ts";
import type { StatusData } from "../text/status-text.ts";
import { progressWords } from "../text/status-text.ts";
import { formatElapsed } from "../text/times.ts";

export interface FrameView {
  readonly paint: Paint;
  readonly width: number | null;
  /** Lines of the terminal. */
  readonly height: number;
  readonly now: number;
  /** Turns the spinner; any growing number. */
  readonly turn: number;
  /** Said below, such as that the end was asked for. */
  readonly note: string | null;
}

const SPINNER = ["⠋", "⠙", "⠹", "⠸", "⠼", "⠴", "⠦", "⠧", "⠇", "⠏"];
const BAR_COLUMNS = 20;
const TASK_BAR_COLUMNS = 10;

export function workFrame(status: StatusData, view: FrameView): readonly string[] {
  // A line is kept free, or the top of the region would scroll out of reach.
  const room = Math.max(1, view.height - 3);
  const shown = status.running.slice(0, room);
  const more = status.running.length - shown.length;
  const lines: (readonly Span[])[] = [
    [
      { text: progressBar(status.progress.percent, BAR_COLUMNS), style: "green" },
      { text: ` ${progressWords(status, view.now)}` },
    ],
    ...shown.map((task) => taskSpans(task, view)),
    ...(more > 0 ? [[{ text: `  … and ${more} more running`, style: "dim" } as const]] : []),
    ...(view.note === null ? [] : [[{ text: view.note, style: "yellow" } as const]]),
  ];
  return lines.map((spans) => fitLine(spans, view.width, view.paint));
}

const LEAST_TITLE_COLUMNS = 12;
/** Of what is said of a task, so much is shown before its title gives way no further. */
const SAID_COLUMNS = 24;

function taskSpans(task: StatusData["running"][number], { now, turn, width }: FrameView): readonly Span[] {
  const name = taskName({ key: task.key, id: task.taskId });
  const title = safeLine(task.title);
  const said = [
    formatElapsed(now - Date.parse(task.startedAt)),
    ...(task.attempt > 1 ? [`attempt ${task.attempt}`] : []),
    ...(task.step === null ? [] : [safeLine(task.step)]),
    ...(task.message === null ? [] : [safeLine(task.message)]),
  ];
  const percent: readonly Span[] =
    task.percent > 0
      ? [
          { text: ` ${progressBar(task.percent, TASK_BAR_COLUMNS)}`, style: "green" },
          { text: ` ${formatPercent(task.percent)}` },
        ]
      : [];
  const fixed = displayWidth(name) + percent.reduce((sum, { text }) => sum + displayWidth(text), 0) + "  ⠋   ".length;
  const rest = `  ${said.join(" · ")}`;
  const room = (width ?? Number.POSITIVE_INFINITY) - fixed - Math.min(SAID_COLUMNS, displayWidth(rest));
  return [
    { text: `  ${SPINNER[turn % SPINNER.length] ?? ""} `, style: "cyan" },
    { text: name, style: "bold" },
    { text: title === name ? "" : `  ${truncate(title, Math.max(LEAST_TITLE_COLUMNS, room))}` },
    ...percent,
    { text: rest, style: "dim" },
  ];
}
