/** A settings file of a coding agent: what it would say with our entries in it, and without them again. Pure. */

export interface SettingsFile {
  /** Relative to the project, with slashes. */
  readonly path: string;
  /** The text with our entries; `text` is `null` where there is no file. @throws PerdureError `invalid-config` for a file that cannot be read */
  add(text: string | null): string;
  /** The text without our entries; `null` when nothing else is left. @throws PerdureError `invalid-config` */
  remove(text: string): string | null;
}

/** How the program is started from the settings: `perdure`, or through the package runner where the project depends on it. */
export interface ProgramCall {
  readonly command: string;
  readonly args: readonly string[];
}

export function commandLine({ command, args }: ProgramCall, ...words: readonly string[]): string {
  return [command, ...args, ...words].join(" ");
}
