/** A session in one line. */

import type { SessionJson } from "../../operations/json/session.ts";
import type { View } from "../output.ts";
import { safeLine } from "../terminal/ansi.ts";
import { shortId } from "./names.ts";
import { paintStatus } from "./status-text.ts";

export function sessionLine(session: Pick<SessionJson, "id" | "name" | "status">, { paint }: View): string {
  return `${paint("bold", safeLine(session.name))}  ${paintStatus(paint, session.status)}  ${paint("dim", shortId(session.id))}`;
}
