/** Not waiting for ever for what may never answer. */

/** What `work` comes to, or `late()` thrown after `ms`; what it comes to after that is of no interest. */
export async function withDeadline<T>(
  work: Promise<T>,
  { ms, late }: { readonly ms: number; readonly late: () => Error },
): Promise<T> {
  let timer: NodeJS.Timeout | undefined;
  const tooLate = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(late()), ms);
  });
  try {
    return await Promise.race([work, tooLate]);
  } finally {
    clearTimeout(timer);
    work.catch(() => {});
  }
}
