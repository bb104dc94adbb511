/** A clock that all processes of this machine share, so that one may time what another began. */

/** Milliseconds since an instant that is the same for every process until the machine restarts. */
export function sharedNow(): number {
  return Number(process.hrtime.bigint()) / 1e6;
}

export function sleep(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}
