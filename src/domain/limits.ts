/** Everything has a limit (INV-9). Defaults; the ones a user may set come in through the configuration. */

export const LIMITS = {
  titleChars: 1_000,
  keyChars: 200,
  nameChars: 200,
  descriptionBytes: 1 << 20,
  /** Input, result, context, step result: each as JSON. */
  valueBytes: 16 << 20,
  /** Larger values go to the content-addressed blobs once and are referred to by hash. */
  inlineBytes: 64 << 10,
  errorChars: 16_000,
  dependenciesPerTask: 1_000,
  planFileBytes: 8 << 20,
  /** Unfinished tasks in one session; a plan over it is refused whole. */
  unfinishedTasks: 1_000,
  stepsPerExecution: 100_000,
  stepNameChars: 500,
  milestonesPerExecution: 1_000,
  listLimit: 1_000,
  signalsPerTask: 1_000,
  maxRetries: 1_000,
  /** Bytes of a command's output that are kept; its middle is left out beyond. */
  outputBytes: 10 << 20,
  concurrency: 1_000,
  /** Of a task or a worker. */
  labels: 50,
  /** Rules on how many tasks run at once and how often they start. */
  limitRules: 100,
  /** Of tasks that run at once over all workers. */
  fleetConcurrency: 100_000,
  /** Of the journal: longer ones are taken for damage. More than any change can take. */
  journalLineBytes: 64 << 20,
  /** Its parts as JSON. */
  messageBytes: 4 << 20,
  messagesPerSession: 100_000,
  messagesPerAppend: 1_000,
  partsPerMessage: 1_000,
  briefTokens: 100_000,
  /** Of a recurring task; estimates are made from as many. */
  leastKeptExecutions: 20,
  memoryKeyChars: 500,
  factChars: 4_000,
  factSourceChars: 500,
  factNoteChars: 2_000,
  dependenciesPerFact: 100,
  /** In a project, those that no longer hold included. */
  facts: 1_000_000,
  /** Of one file of facts. */
  factsFileBytes: 64 << 20,
  factsPerFile: 100_000,
  recallQueryChars: 10_000,
  /** Embeddings kept; older ones are made again when they are needed. */
  vectors: 500_000,
  answerTokens: 100_000,
  /** Of a session, automatic ones aside: those are thinned out. */
  checkpoints: 10_000,
} as const;
