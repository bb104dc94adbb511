/** What a driver hands to the store suite. */

import type { Clock } from "../../base/clock.ts";
import type { Random } from "../../base/random.ts";
import type { ProjectId } from "../../domain/ids.ts";
import type { Store } from "../../store/port.ts";

export type SuiteStore = Store & { readonly projectId: ProjectId };

export interface SuiteConnection {
  /** Names the store: `open` is called once for each name, `openSecond` for further connections to it. */
  readonly storeName: string;
  readonly clock: Clock;
  readonly random: Random;
  readonly actor: string;
}

export interface StoreSuiteOptions {
  /** Of the driver, as it appears in test titles. */
  readonly name: string;
  /** A store that is empty but for its project. */
  readonly open: (connection: SuiteConnection) => Promise<SuiteStore>;
  /** Another connection to a store that is open, as another process would have; `null` where there can be only one. */
  readonly openSecond: ((connection: SuiteConnection) => Promise<SuiteStore>) | null;
  /** One random workload of each kind instead of several, for a driver that is tested at length in another form. Default false. */
  readonly isBrief?: boolean;
  /** After every test, when its stores are closed. */
  readonly cleanUp?: () => Promise<void>;
}
