-- What the numbered files come to. Written by migrations.test.ts: after a new one run it with --update.
CREATE TABLE projects (
  id text not null primary key,
  name text not null,
  created_at integer not null
) strict, without rowid;
CREATE TABLE sessions (
  seq integer primary key,
  project_id text not null,
  id text not null,
  name text not null,
  status text not null,
  goal text,
  plan_file text,
  plan_fingerprint text,
  concurrency integer,
  max_unfinished integer not null,
  metadata text not null,
  created_at integer not null,
  updated_at integer not null,
  started_at integer,
  ended_at integer,
  -- When somebody was told that it has ended. Until then running its plan again tells that, instead of starting anew.
  end_told_at integer, agent_id text, user_id text, origin_id text, origin_checkpoint_id text,
  unique (project_id, id)
) strict;
CREATE INDEX sessions_by_plan on sessions (project_id, plan_file, seq) where plan_file is not null;
CREATE TABLE tasks (
  seq integer primary key,
  project_id text not null,
  id text not null,
  session_id text not null,
  parent_id text,
  key text,
  title text not null,
  description text,
  executor text not null,
  input text not null,
  kind text not null,
  status text not null,
  blocked_reason text,
  blocked_note text,
  priority integer not null,
  weight real not null,
  waiting_on integer not null,
  on_dependency_failure text not null,
  context text not null,
  max_retries integer not null,
  retry text,
  timeout_ms integer,
  schedule text,
  overlap text not null,
  catch_up text not null,
  scheduled_for integer,
  missed_until integer,
  run_at integer not null,
  execution_id text,
  source text,
  created_at integer not null,
  updated_at integer not null,
  started_at integer,
  completed_at integer,
  -- 1 while the session is not active, so that claims never read past the tasks of paused sessions. Kept by triggers for unfinished tasks.
  held integer not null, origin_id text, labels text, limit_key text, limit_concurrency integer, limit_rate_count integer, limit_rate_ms integer, lane text generated always as (
  case when labels is null and limit_key is null then null
    else coalesce(labels, '') || '|' || coalesce(limit_key, '') end
) virtual,
  unique (project_id, id)
) strict;
CREATE UNIQUE INDEX tasks_by_key on tasks (project_id, session_id, key) where key is not null;
CREATE INDEX tasks_by_session on tasks (project_id, session_id, status);
CREATE INDEX tasks_by_parent on tasks (project_id, parent_id) where parent_id is not null;
CREATE INDEX tasks_waking on tasks (project_id, run_at)
  where status = 'blocked' and blocked_reason = 'waiting';
CREATE TABLE dependencies (
  project_id text not null,
  task_id text not null,
  depends_on_id text not null,
  session_id text not null,
  kind text not null,
  primary key (project_id, task_id, depends_on_id)
) strict, without rowid;
CREATE INDEX dependencies_by_target on dependencies (project_id, depends_on_id);
CREATE TABLE executions (
  seq integer primary key,
  project_id text not null,
  id text not null,
  session_id text not null,
  task_id text not null,
  kind text not null,
  status text not null,
  attempt integer not null,
  retry_count integer not null,
  fence integer not null,
  worker_id text,
  scheduled_for integer,
  interrupt_requested integer not null,
  result text,
  error text,
  progress text,
  started_at integer not null,
  updated_at integer not null,
  ended_at integer,
  unique (project_id, id)
) strict;
CREATE INDEX executions_of_recurring on executions (project_id, task_id, seq) where scheduled_for is not null;
CREATE INDEX executions_held on executions (project_id, worker_id) where status = 'running';
CREATE INDEX executions_finished on executions (project_id, kind, seq) where status = 'completed';
CREATE TABLE steps (
  project_id text not null,
  execution_id text not null,
  position integer not null,
  session_id text not null,
  task_id text not null,
  name text not null,
  kind text not null,
  status text not null,
  effect text not null,
  concurrent integer not null,
  handled integer not null,
  attempt integer not null,
  result text,
  error text,
  started_at integer not null,
  ended_at integer,
  primary key (project_id, execution_id, position)
) strict, without rowid;
CREATE TABLE signals (
  seq integer primary key,
  project_id text not null,
  id text not null,
  session_id text not null,
  task_id text not null,
  name text not null,
  payload text not null,
  created_at integer not null,
  consumed_at integer,
  unique (project_id, id)
) strict;
CREATE INDEX signals_by_task on signals (project_id, task_id, name, seq) where consumed_at is null;
CREATE TABLE artifacts (
  seq integer primary key,
  project_id text not null,
  id text not null,
  session_id text not null,
  task_id text not null,
  execution_id text,
  name text not null,
  media_type text not null,
  size_bytes integer not null,
  hash text not null,
  created_at integer not null,
  unique (project_id, id)
) strict;
CREATE INDEX artifacts_by_task on artifacts (project_id, task_id, seq);
CREATE TABLE changes (
  seq integer primary key,
  project_id text not null,
  session_id text,
  task_id text,
  at integer not null,
  actor text not null,
  verb text not null,
  entity text not null,
  row_key text not null,
  before text,
  after text,
  note text
, part integer not null default 0) strict;
CREATE INDEX changes_by_session on changes (project_id, session_id, seq);
CREATE TABLE workers (
  project_id text not null,
  id text not null,
  host text not null,
  pid integer,
  start_token text,
  label text not null,
  registered_at integer not null,
  lease_expires_at integer not null, by_hand integer not null default 0, executors text not null default '[]', labels text not null default '[]',
  primary key (project_id, id)
) strict, without rowid;
CREATE TABLE processes (
  project_id text not null,
  execution_id text not null,
  pid integer not null,
  host text not null,
  start_token text not null,
  primary key (project_id, execution_id, pid)
) strict, without rowid;
CREATE TABLE session_loads (
  project_id text not null,
  session_id text not null,
  unfinished integer not null, memory_entries integer not null default 0, memory_bytes integer not null default 0,
  primary key (project_id, session_id)
) strict, without rowid;
CREATE TRIGGER session_loads_insert after insert on sessions begin
  insert into session_loads (project_id, session_id, unfinished) values (new.project_id, new.id, 0);
end;
CREATE TRIGGER session_loads_delete after delete on sessions begin
  delete from session_loads where project_id = old.project_id and session_id = old.id;
end;
CREATE TRIGGER tasks_load_insert after insert on tasks when new.status in ('pending', 'blocked', 'in_progress') begin
  update session_loads set unfinished = unfinished + 1 where project_id = new.project_id and session_id = new.session_id;
end;
CREATE TRIGGER tasks_load_delete after delete on tasks when old.status in ('pending', 'blocked', 'in_progress') begin
  update session_loads set unfinished = unfinished - 1 where project_id = old.project_id and session_id = old.session_id;
end;
CREATE TRIGGER tasks_load_update after update of status on tasks
  when (old.status in ('pending', 'blocked', 'in_progress')) <> (new.status in ('pending', 'blocked', 'in_progress')) begin
  update session_loads
    set unfinished = unfinished + (new.status in ('pending', 'blocked', 'in_progress')) - (old.status in ('pending', 'blocked', 'in_progress'))
    where project_id = new.project_id and session_id = new.session_id;
end;
CREATE TRIGGER tasks_held after update of status on sessions
  when (old.status = 'active') <> (new.status = 'active') begin
  update tasks set held = (new.status <> 'active')
    where project_id = new.project_id and session_id = new.id and status in ('pending', 'blocked', 'in_progress');
end;
CREATE TRIGGER tasks_held_again after update of status on tasks
  when new.status in ('pending', 'blocked', 'in_progress') and old.status not in ('pending', 'blocked', 'in_progress') begin
  update tasks set held = (select status <> 'active' from sessions where project_id = new.project_id and id = new.session_id)
    where seq = new.seq;
end;
CREATE INDEX sessions_by_owner on sessions (project_id, agent_id, user_id, seq)
  where agent_id is not null or user_id is not null;
CREATE INDEX signals_of_session on signals (project_id, session_id);
CREATE TABLE "blobs" (
  hash text not null unique,
  size_bytes integer not null,
  content text not null
) strict;
CREATE TABLE messages (
  project_id text not null,
  session_id text not null,
  position integer not null,
  role text not null,
  parts text not null,
  token_count integer not null,
  created_at integer not null,
  primary key (project_id, session_id, position)
) strict, without rowid;
CREATE TABLE environments (
  project_id text not null,
  hash text not null,
  content text not null,
  created_at integer not null,
  primary key (project_id, hash)
) strict, without rowid;
CREATE TABLE checkpoints (
  seq integer primary key,
  project_id text not null,
  id text not null,
  session_id text not null,
  label text not null,
  kind text not null,
  -- The last change it includes.
  position integer not null,
  environment_hash text not null,
  -- The commit of the shadow repository that holds the workspace; null when none was taken.
  workspace text,
  -- Of this row and the change it names, so that a damaged one is not restored.
  checksum text not null,
  created_at integer not null,
  unique (project_id, id)
) strict;
CREATE INDEX checkpoints_by_session on checkpoints (project_id, session_id, seq);
CREATE INDEX checkpoints_automatic on checkpoints (project_id, session_id, seq) where kind = 'automatic';
CREATE TABLE memory (
  seq integer primary key,
  project_id text not null,
  session_id text not null,
  key text not null,
  importance real not null,
  size_bytes integer not null,
  expires_at integer,
  created_at integer not null,
  updated_at integer not null,
  -- Last, so that the other columns are read without it.
  value text not null,
  unique (project_id, session_id, key)
) strict;
CREATE INDEX memory_by_importance on memory (project_id, session_id, importance, updated_at, seq);
CREATE INDEX memory_by_update on memory (project_id, session_id, updated_at, seq);
CREATE INDEX memory_by_expiry on memory (project_id, session_id, expires_at) where expires_at is not null;
CREATE TRIGGER memory_load_insert after insert on memory begin
  update session_loads set memory_entries = memory_entries + 1, memory_bytes = memory_bytes + new.size_bytes
    where project_id = new.project_id and session_id = new.session_id;
end;
CREATE TRIGGER memory_load_delete after delete on memory begin
  update session_loads set memory_entries = memory_entries - 1, memory_bytes = memory_bytes - old.size_bytes
    where project_id = old.project_id and session_id = old.session_id;
end;
CREATE TRIGGER memory_load_update after update of size_bytes on memory begin
  update session_loads set memory_bytes = memory_bytes + new.size_bytes - old.size_bytes
    where project_id = new.project_id and session_id = new.session_id;
end;
CREATE TABLE facts (
  seq integer primary key,
  project_id text not null,
  id text not null,
  kind text not null,
  text text not null,
  source text not null,
  trust real not null,
  status text not null,
  status_note text,
  -- Of its normalized text, so that the same is not recorded twice.
  content_hash text not null,
  supersedes_id text,
  version integer not null,
  created_at integer not null,
  updated_at integer not null,
  unique (project_id, id)
) strict;
CREATE INDEX facts_by_content on facts (project_id, content_hash);
CREATE INDEX facts_by_superseded on facts (project_id, supersedes_id) where supersedes_id is not null;
CREATE INDEX facts_by_status on facts (project_id, status, kind, seq);
CREATE TABLE fact_dependencies (
  project_id text not null,
  fact_id text not null,
  depends_on_id text not null,
  primary key (project_id, fact_id, depends_on_id)
) strict, without rowid;
CREATE INDEX fact_dependencies_by_target on fact_dependencies (project_id, depends_on_id);
CREATE TABLE cleanups (
  seq integer primary key,
  project_id text not null,
  id text not null,
  -- The last change that is no longer in the log but in its mirror alone; null when this cleanup cut nothing off.
  trimmed_through integer,
  removed text not null,
  created_at integer not null,
  unique (project_id, id)
) strict;
CREATE INDEX changes_by_fact on changes (project_id, row_key, seq) where entity = 'facts';
CREATE TABLE project_loads (
  project_id text not null primary key,
  facts integer not null
) strict, without rowid;
CREATE TRIGGER facts_load_insert after insert on facts begin
  insert into project_loads (project_id, facts) values (new.project_id, 1)
    on conflict (project_id) do update set facts = facts + 1;
end;
CREATE TRIGGER facts_load_delete after delete on facts begin
  update project_loads set facts = facts - 1 where project_id = old.project_id;
end;
CREATE VIRTUAL TABLE facts_text using fts5(
  text, kind, status, content = 'facts', content_rowid = 'seq', tokenize = 'porter unicode61'
);
CREATE TRIGGER facts_text_insert after insert on facts begin
  insert into facts_text (rowid, text, kind, status) values (new.seq, new.text, new.kind, new.status);
end;
CREATE TRIGGER facts_text_delete after delete on facts begin
  insert into facts_text (facts_text, rowid, text, kind, status)
    values ('delete', old.seq, old.text, old.kind, old.status);
end;
CREATE TRIGGER facts_text_update after update of text, kind, status on facts begin
  insert into facts_text (facts_text, rowid, text, kind, status)
    values ('delete', old.seq, old.text, old.kind, old.status);
  insert into facts_text (rowid, text, kind, status) values (new.seq, new.text, new.kind, new.status);
end;
CREATE TABLE vectors (
  seq integer primary key,
  project_id text not null,
  model text not null,
  hash text not null,
  -- Base64 of the vector, each number scaled to a byte.
  vector text not null,
  unique (project_id, model, hash)
) strict;
CREATE INDEX tasks_ready on tasks (project_id, executor, priority desc, run_at, seq)
  where status = 'pending' and held = 0 and lane is null;
CREATE INDEX tasks_ready_in_session on tasks (project_id, session_id, executor, priority desc, run_at, seq)
  where status = 'pending' and held = 0 and lane is null;
CREATE INDEX tasks_ready_in_lane on tasks (project_id, session_id, executor, lane, priority desc, run_at, seq)
  where status = 'pending' and held = 0 and lane is not null;
CREATE INDEX tasks_running on tasks (project_id, executor, labels) where status = 'in_progress';
CREATE INDEX tasks_running_by_key on tasks (project_id, limit_key)
  where status = 'in_progress' and limit_key is not null;
CREATE TABLE limit_rules (
  project_id text not null,
  id text not null,
  position integer not null,
  subject text not null,
  pattern text not null,
  concurrency integer,
  rate_count integer,
  rate_ms integer,
  created_at integer not null,
  updated_at integer not null,
  primary key (project_id, id)
) strict, without rowid;
CREATE TABLE lanes (
  seq integer primary key,
  project_id text not null,
  session_id text not null,
  executor text not null,
  labels text not null,
  limit_key text not null,
  priority integer not null,
  run_at integer not null,
  due_at integer not null,
  unique (project_id, session_id, executor, labels, limit_key, priority)
) strict;
CREATE INDEX lanes_due on lanes (project_id, executor, labels, priority desc, due_at, seq);
CREATE INDEX lanes_due_in_session on lanes (project_id, session_id, executor, labels, priority desc, due_at, seq);
CREATE INDEX lanes_by_key on lanes (project_id, limit_key) where limit_key <> '';
CREATE TRIGGER lanes_task_insert after insert on tasks
  when new.lane is not null and new.status = 'pending' and new.held = 0 begin
  insert into lanes (project_id, session_id, executor, labels, limit_key, priority, run_at, due_at)
    values (new.project_id, new.session_id, new.executor, coalesce(new.labels, ''), coalesce(new.limit_key, ''),
      new.priority, new.run_at, new.run_at)
    on conflict (project_id, session_id, executor, labels, limit_key, priority) do update
      set run_at = excluded.run_at, due_at = case when due_at > run_at then due_at else excluded.run_at end
      where excluded.run_at < run_at;
end;
CREATE TRIGGER lanes_task_update
  after update of status, held, executor, labels, limit_key, limit_concurrency, limit_rate_count, limit_rate_ms, priority, run_at
  on tasks when new.lane is not null and new.status = 'pending' and new.held = 0 begin
  insert into lanes (project_id, session_id, executor, labels, limit_key, priority, run_at, due_at)
    values (new.project_id, new.session_id, new.executor, coalesce(new.labels, ''), coalesce(new.limit_key, ''),
      new.priority, new.run_at, new.run_at)
    on conflict (project_id, session_id, executor, labels, limit_key, priority) do update
      set run_at = min(run_at, excluded.run_at), due_at = min(run_at, excluded.run_at);
end;
CREATE TRIGGER lanes_place_update after update of status on tasks
  when old.limit_key is not null and old.status = 'in_progress' and new.status <> 'in_progress' begin
  update lanes set due_at = run_at where project_id = old.project_id and limit_key = old.limit_key and limit_key <> '';
end;
CREATE TRIGGER lanes_place_delete after delete on tasks
  when old.limit_key is not null and old.status = 'in_progress' begin
  update lanes set due_at = run_at where project_id = old.project_id and limit_key = old.limit_key and limit_key <> '';
end;
CREATE TABLE limit_starts (
  project_id text not null,
  id text not null,
  starts text not null,
  expires_at integer not null,
  primary key (project_id, id)
) strict, without rowid;
CREATE INDEX limit_starts_by_expiry on limit_starts (project_id, expires_at);
analyze sqlite_schema;
insert into sqlite_stat1 (tbl, idx, stat) values
  ('changes', 'changes_by_session', '1000000 1000000 1000 1'),
  ('changes', 'changes_by_fact', '10000 10000 10 1');
analyze sqlite_schema;
