/** The `perdure.yaml` that `perdure init` writes: every setting with its default, commented out. */

/**
 * Prose stands behind `##`, settings behind `#`: taking away one `# ` at the beginning of each line that has one gives a
 * file that says the defaults.
 */
export const DEFAULT_FILE = `## The configuration of this project. Everything here is optional: each setting is shown with its default.
## To change one, take away the "# " before it and before the section it stands in.
## Durations have a unit (250ms, 30s, 10m, 1h30m, 7d), and so have sizes (64kb, 128mb, 1gb). \`null\` is: not said.
## \`perdure config check\` says whether the file is right.

# store:
#   backend: sqlite            # sqlite, jsonl or postgres
#   durability: full           # full survives power loss; normal survives a crash of the process, and is faster
#   path: null                 # where the store's files lie; .perdure/ when not said
#   url: null                  # postgres://user@host/database; implies the backend postgres

# journal:
#   enabled: true              # keep .perdure/journal, tasks/current.json and memory.json beside the store

# executors: []                # modules that register function executors, such as [./executors.ts]

# worker:
#   concurrency: 3             # tasks one worker runs side by side
#   lease: 30s                 # how long a worker that went silent keeps its tasks
#   heartbeat: 10s             # how often it shows that it is there; at most half the lease
#   labels: []                 # what this machine offers to tasks that require labels, such as [gpu, linux]
#   drain: 20s                 # how long \`perdure worker\` lets what runs go on when it is told to end (SIGTERM)
#   command_timeout: null      # for one attempt of a command that says nothing else; no limit when not said
#   output_limit: 10mb         # of a command's output; its middle is left out beyond

# retry:                       ## for tasks that say nothing else
#   max_retries: 3             # 0 tries once
#   backoff: exponential       # exponential or fixed
#   initial_delay: 1s          # before the first retry
#   factor: 2                  # growth of the delay per retry when exponential
#   max_delay: 5m              # no delay is longer

# limits:
#   unfinished_tasks: 1000     # per session; a plan that would exceed it is refused whole
#   tasks: null                # on what runs at once and how often it starts, over all workers of the store: as below

## Limits for all tasks of an executor, for all that require a label, or for each key that tasks name. A worker makes those
## of its file the store's; a file that says none leaves them, and [] takes them away. The first that fits a key counts.
##
##   tasks:
##     - { match: { executor: command }, concurrency: 4, rate: 100/1m }
##     - { match: { label: gpu }, concurrency: 1 }
##     - { match: { key: customer-* }, concurrency: 2 }

# checkpoint:
#   every_tasks: 5             # one after so many finished tasks
#   every: 5m                  # and one after so much time
#   workspace: off             # which hold the project's files too: off (only when asked), manual or all
#   workspace_limits: { files: 20000, file_size: 50mb, total_size: 1gb }   # over these none is taken; see .perdureignore

# retention:                   ## what \`perdure cleanup\` leaves; of two bounds on one thing both must be exceeded
#   automatic: true            # workers clean up too
#   every: 1d                  # and so often at most
#   executions: 100            # newest of each recurring task; at least 20
#   executions_age: 30d
#   checkpoints: 100           # newest automatic ones of each session; others stay
#   checkpoints_age: 30d
#   sessions_age: null         # since a session was completed or cancelled; for ever when not said
#   log_age: null              # of the change log in the database, where its mirror holds it; for ever when not said
#   damaged_age: 30d           # of damaged files that were set aside

# replication: []              ## copies of the change log elsewhere, from which \`perdure restore --from\` makes the store again
##  - { sink: jsonl, path: /mnt/backup/project }       files, as in .perdure/journal
##  - { sink: redis, url: "redis://host:6379/0", stream: "perdure:project" }    PERDURE_REDIS_URL when no url is said
##  - { sink: firestore, project: my-project, collection: perdure }             needs npm install @google-cloud/firestore
##                               any of them may say max_artifact: 64mb, over which artifacts are left out

# context:
#   threshold: 0.8             # the share of a model's window at which older messages are summarized

# sandbox:                     ## for code tasks
#   memory: 128mb              # most it may use
#   cpu: 30s                   # most time it may compute
#   wall: 60s                  # most time it may take, waiting included

# supervisor:
#   name: null                 # shown where several projects meet
#   model: null                # for agents that name none
#   session:
#     enabled: true            # keep sessions
#     backend: sqlite          # as store.backend, which wins
#     storage_path: null       # as store.path, which wins
#     working_memory:
#       backend: memory        # memory (in the session's store) or redis
#       redis_url: null        # redis://host:6379/0, for the backend redis; PERDURE_REDIS_URL when not said
#       max_entries: 1000      # per session
#       max_size: 100mb        # per session
#       default_ttl: 24h       # how long an entry lives that says nothing else
#       cleanup_interval: 1h   # how often expired entries are removed
#       summary_strategy: important  # which entries a summary takes first: recent, important or semantic
#       max_summary_size: 2000 # tokens of a summary
#     task_queue:
#       max_queue_size: 1000   # as limits.unfinished_tasks, which wins
#       priority_scheduling: true  # more urgent tasks first; otherwise in order of their time
#       checkpoint_interval: 5m  # as checkpoint.every, which wins
#       persistence: true      # keep the queue in the store

# agents: []                   ## as below

## An agent with everything it can say:
##
## agents:
##   - name: planner
##     role: planner                          planner or react
##     model: gpt-4-turbo                     the supervisor's when not said
##     prompt: Plan in small steps.
##     inputs: []                             agents it takes work from
##     outputs: [executor]                    agents it hands work to
##     planner_config:
##       planning_strategy: chain_of_thought
##       max_steps: 20
##       enable_backtracking: true
##       enable_self_critique: true
##       task_continuation: { enabled: true, auto_checkpoint: true, checkpoint_interval: 10m, resume_on_restart: true }
##       progress_tracking: { enabled: true, update_interval: 30s, milestone_tracking: true }
##       working_memory: { enabled: true, context_size: 2000, include_artifacts: true }
##   - name: executor
##     role: react
##     inputs: [planner]
##     task_execution:
##       max_concurrent: 3                    as worker.concurrency, which wins
##       retry_policy: { max_retries: 3, backoff: exponential, initial_delay: 1s, factor: 2, max_delay: 5m }
##       progress_reporting: { enabled: true, report_interval: 10s }
`;
