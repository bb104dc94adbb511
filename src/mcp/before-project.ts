/** What agents are told where no project has been begun: reading makes none, the first write does. */

import { PerdureError } from "../base/errors.ts";

const NOTHING = "No project here yet: nothing is recorded";
const BEGIN = "submit_plan or create_background_task begins one.";

/** Both sentences. */
export const NO_PROJECT = `${NOTHING}. ${BEGIN}`;

/** Of what needs something that is there. */
export function noProject(): PerdureError {
  return new PerdureError("not-found", { message: NOTHING, hint: BEGIN });
}
