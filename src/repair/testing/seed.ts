/** Where the tests of repair damage things. */

import { systemRandom } from "../../base/random.ts";

/** The same places every time, so that a failure is the change's; `PERDURE_SEED=random` looks for new ones. */
const said = process.env.PERDURE_SEED ?? "20261121";

export const SEED = said === "random" ? Math.floor(systemRandom.next() * 1e9) : Number(said);
