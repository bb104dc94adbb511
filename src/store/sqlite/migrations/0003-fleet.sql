-- Many workers: labels, limits on how many tasks run at once and how often they start.

-- Required of the worker, in order, joined by commas; null for none.
alter table tasks add column labels text;
-- What the task shares a limit by, and the limit it says. Null columns bound nothing.
alter table tasks add column limit_key text;
alter table tasks add column limit_concurrency integer;
alter table tasks add column limit_rate_count integer;
alter table tasks add column limit_rate_ms integer;
-- Tasks that are alike for claims: null for those that any worker may run at any time, which are claimed without lanes.
alter table tasks add column lane text generated always as (
  case when labels is null and limit_key is null then null
    else coalesce(labels, '') || '|' || coalesce(limit_key, '') end
) virtual;

drop index tasks_ready;
create index tasks_ready on tasks (project_id, executor, priority desc, run_at, seq)
  where status = 'pending' and held = 0 and lane is null;
drop index tasks_ready_in_session;
create index tasks_ready_in_session on tasks (project_id, session_id, executor, priority desc, run_at, seq)
  where status = 'pending' and held = 0 and lane is null;
create index tasks_ready_in_lane on tasks (project_id, session_id, executor, lane, priority desc, run_at, seq)
  where status = 'pending' and held = 0 and lane is not null;
-- For counting what runs.
create index tasks_running on tasks (project_id, executor, labels) where status = 'in_progress';
create index tasks_running_by_key on tasks (project_id, limit_key)
  where status = 'in_progress' and limit_key is not null;

-- Limits of the project.
create table limit_rules (
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

-- Derived, and a hint: where ready tasks with labels or a key are to be found. There is a row wherever there is such a task.
-- Its run_at is never later than that of its first task. It may be earlier, or the row be of no task any more; claims set
-- that right when they come upon it. Claims skip a lane until due_at, which they set when its key has no place left.
create table lanes (
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
create index lanes_due on lanes (project_id, executor, labels, priority desc, due_at, seq);
create index lanes_due_in_session on lanes (project_id, session_id, executor, labels, priority desc, due_at, seq);
create index lanes_by_key on lanes (project_id, limit_key) where limit_key <> '';

create trigger lanes_task_insert after insert on tasks
  when new.lane is not null and new.status = 'pending' and new.held = 0 begin
  insert into lanes (project_id, session_id, executor, labels, limit_key, priority, run_at, due_at)
    values (new.project_id, new.session_id, new.executor, coalesce(new.labels, ''), coalesce(new.limit_key, ''),
      new.priority, new.run_at, new.run_at)
    on conflict (project_id, session_id, executor, labels, limit_key, priority) do update
      set run_at = excluded.run_at, due_at = case when due_at > run_at then due_at else excluded.run_at end
      where excluded.run_at < run_at;
end;
create trigger lanes_task_update
  after update of status, held, executor, labels, limit_key, limit_concurrency, limit_rate_count, limit_rate_ms, priority, run_at
  on tasks when new.lane is not null and new.status = 'pending' and new.held = 0 begin
  insert into lanes (project_id, session_id, executor, labels, limit_key, priority, run_at, due_at)
    values (new.project_id, new.session_id, new.executor, coalesce(new.labels, ''), coalesce(new.limit_key, ''),
      new.priority, new.run_at, new.run_at)
    on conflict (project_id, session_id, executor, labels, limit_key, priority) do update
      set run_at = min(run_at, excluded.run_at), due_at = min(run_at, excluded.run_at);
end;
-- A place has become free. All lanes of the key are written, whether they were closed or not: so a claim that closes them
-- at the same time waits for this, and then counts again.
create trigger lanes_place_update after update of status on tasks
  when old.limit_key is not null and old.status = 'in_progress' and new.status <> 'in_progress' begin
  update lanes set due_at = run_at where project_id = old.project_id and limit_key = old.limit_key and limit_key <> '';
end;
create trigger lanes_place_delete after delete on tasks
  when old.limit_key is not null and old.status = 'in_progress' begin
  update lanes set due_at = run_at where project_id = old.project_id and limit_key = old.limit_key and limit_key <> '';
end;

-- Coordination, not state: the starts that count against a rate, and what claims under the same limit lock.
create table limit_starts (
  project_id text not null,
  id text not null,
  starts text not null,
  expires_at integer not null,
  primary key (project_id, id)
) strict, without rowid;
create index limit_starts_by_expiry on limit_starts (project_id, expires_at);

-- What a worker can carry out, as JSON lists.
alter table workers add column executors text not null default '[]';
alter table workers add column labels text not null default '[]';
