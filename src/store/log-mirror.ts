/** What is asked of a mirror of the change log before anything it has to stand in for is removed. */

export interface LogMirror {
  /** The last change it holds durably; `null` when it cannot be told. */
  mirroredSeq(): Promise<number | null>;
  /** Hashes of the artifact files it refers to; `null` when they cannot be told. */
  filesInUse(): Promise<ReadonlySet<string> | null>;
}
