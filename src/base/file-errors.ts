/** What went wrong with a file, by the code the operating system gave it. */

export function hasErrorCode(error: unknown, code: string): boolean {
  return error instanceof Error && "code" in error && error.code === code;
}
