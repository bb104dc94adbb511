-- The state of a project. Every table carries project_id in its key, so that a deployment can be partitioned by it.
-- Times are epoch milliseconds; structured values are JSON text, or a reference to blobs when large.

create table projects (
  id text not null primary key,
  name text not null,
  created_at integer not null
) strict, without rowid;

create table sessions (
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
  end_told_at integer,
  unique (project_id, id)
) strict;
create index sessions_by_plan on sessions (project_id, plan_file, seq) where plan_file is not null;

create table tasks (
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
  held integer not null,
  unique (project_id, id)
) strict;
create unique index tasks_by_key on tasks (project_id, session_id, key) where key is not null;
create index tasks_by_session on tasks (project_id, session_id, status);
create index tasks_by_parent on tasks (project_id, parent_id) where parent_id is not null;
create index tasks_ready on tasks (project_id, executor, priority desc, run_at, seq)
  where status = 'pending' and held = 0;
create index tasks_ready_in_session on tasks (project_id, session_id, executor, priority desc, run_at, seq)
  where status = 'pending' and held = 0;
create index tasks_waking on tasks (project_id, run_at)
  where status = 'blocked' and blocked_reason = 'waiting';

create table dependencies (
  project_id text not null,
  task_id text not null,
  depends_on_id text not null,
  session_id text not null,
  kind text not null,
  primary key (project_id, task_id, depends_on_id)
) strict, without rowid;
create index dependencies_by_target on dependencies (project_id, depends_on_id);

create table executions (
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
-- A task that does not recur has one execution, which tasks.execution_id names.
create index executions_of_recurring on executions (project_id, task_id, seq) where scheduled_for is not null;
create index executions_held on executions (project_id, worker_id) where status = 'running';
create index executions_finished on executions (project_id, kind, seq) where status = 'completed';

create table steps (
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

create table signals (
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
create index signals_by_task on signals (project_id, task_id, name, seq) where consumed_at is null;

create table artifacts (
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
create index artifacts_by_task on artifacts (project_id, task_id, seq);

create table changes (
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
) strict;
create index changes_by_session on changes (project_id, session_id, seq);

create table blobs (
  hash text not null primary key,
  size_bytes integer not null,
  content text not null
) strict, without rowid;

-- Coordination, not state: not in the change log.

create table workers (
  project_id text not null,
  id text not null,
  host text not null,
  pid integer,
  start_token text,
  label text not null,
  registered_at integer not null,
  lease_expires_at integer not null,
  primary key (project_id, id)
) strict, without rowid;

create table processes (
  project_id text not null,
  execution_id text not null,
  pid integer not null,
  host text not null,
  start_token text not null,
  primary key (project_id, execution_id, pid)
) strict, without rowid;

-- Derived: how many unfinished tasks a session holds, so that its limit is checked in O(1).

create table session_loads (
  project_id text not null,
  session_id text not null,
  unfinished integer not null,
  primary key (project_id, session_id)
) strict, without rowid;

create trigger session_loads_insert after insert on sessions begin
  insert into session_loads (project_id, session_id, unfinished) values (new.project_id, new.id, 0);
end;
create trigger session_loads_delete after delete on sessions begin
  delete from session_loads where project_id = old.project_id and session_id = old.id;
end;
create trigger tasks_load_insert after insert on tasks when new.status in ('pending', 'blocked', 'in_progress') begin
  update session_loads set unfinished = unfinished + 1 where project_id = new.project_id and session_id = new.session_id;
end;
create trigger tasks_load_delete after delete on tasks when old.status in ('pending', 'blocked', 'in_progress') begin
  update session_loads set unfinished = unfinished - 1 where project_id = old.project_id and session_id = old.session_id;
end;
create trigger tasks_load_update after update of status on tasks
  when (old.status in ('pending', 'blocked', 'in_progress')) <> (new.status in ('pending', 'blocked', 'in_progress')) begin
  update session_loads
    set unfinished = unfinished + (new.status in ('pending', 'blocked', 'in_progress')) - (old.status in ('pending', 'blocked', 'in_progress'))
    where project_id = new.project_id and session_id = new.session_id;
end;
create trigger tasks_held after update of status on sessions
  when (old.status = 'active') <> (new.status = 'active') begin
  update tasks set held = (new.status <> 'active')
    where project_id = new.project_id and session_id = new.id and status in ('pending', 'blocked', 'in_progress');
end;
create trigger tasks_held_again after update of status on tasks
  when new.status in ('pending', 'blocked', 'in_progress') and old.status not in ('pending', 'blocked', 'in_progress') begin
  update tasks set held = (select status <> 'active' from sessions where project_id = new.project_id and id = new.session_id)
    where seq = new.seq;
end;
