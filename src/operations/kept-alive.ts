/** Waiting on the clock alone: its timers do not keep a process alive, and one that waits has to be. */

export async function keptAlive<T>(wait: () => Promise<T>): Promise<T> {
  const keepAlive = setInterval(() => {}, 2 ** 30);
  try {
    return await wait();
  } finally {
    clearInterval(keepAlive);
  }
}
