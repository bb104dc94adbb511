-- The state of projects, as in SQLite's migrations: same tables, same columns. What differs: text is ordered by its bytes,
-- as SQLite does it; `seq` comes from sequences, so that hot tables can be partitioned (`{hot}`) by project.

create table projects (
  id text collate "C" primary key,
  name text collate "C" not null unique,
  created_at bigint not null
);

create sequence sessions_seq;
create table sessions (
  seq bigint not null default nextval('sessions_seq'),
  project_id text collate "C" not null,
  id text collate "C" not null,
  name text collate "C" not null,
  status text collate "C" not null,
  goal text collate "C",
  plan_file text collate "C",
  plan_fingerprint text collate "C",
  concurrency bigint,
  max_unfinished bigint not null,
  metadata text collate "C" not null,
  created_at bigint not null,
  updated_at bigint not null,
  started_at bigint,
  ended_at bigint,
  end_told_at bigint,
  agent_id text collate "C",
  user_id text collate "C",
  origin_id text collate "C",
  origin_checkpoint_id text collate "C",
  primary key (project_id, id),
  unique (project_id, seq)
);
create index sessions_by_plan on sessions (project_id, plan_file, seq) where plan_file is not null;
create index sessions_by_owner on sessions (project_id, agent_id, user_id, seq)
  where agent_id is not null or user_id is not null;

create sequence tasks_seq;
create table tasks (
  seq bigint not null default nextval('tasks_seq'),
  project_id text collate "C" not null,
  id text collate "C" not null,
  session_id text collate "C" not null,
  parent_id text collate "C",
  key text collate "C",
  title text collate "C" not null,
  description text collate "C",
  executor text collate "C" not null,
  input text collate "C" not null,
  kind text collate "C" not null,
  status text collate "C" not null,
  blocked_reason text collate "C",
  blocked_note text collate "C",
  priority bigint not null,
  weight double precision not null,
  waiting_on bigint not null,
  on_dependency_failure text collate "C" not null,
  context text collate "C" not null,
  max_retries bigint not null,
  retry text collate "C",
  timeout_ms bigint,
  schedule text collate "C",
  overlap text collate "C" not null,
  catch_up text collate "C" not null,
  scheduled_for bigint,
  missed_until bigint,
  run_at bigint not null,
  execution_id text collate "C",
  source text collate "C",
  created_at bigint not null,
  updated_at bigint not null,
  started_at bigint,
  completed_at bigint,
  held bigint not null,
  origin_id text collate "C",
  labels text collate "C",
  limit_key text collate "C",
  limit_concurrency bigint,
  limit_rate_count bigint,
  limit_rate_ms bigint,
  lane text collate "C" generated always as (
    case when labels is null and limit_key is null then null
      else coalesce(labels, '') || '|' || coalesce(limit_key, '') end
  ) stored,
  primary key (project_id, id),
  unique (project_id, seq)
) {hot};
create unique index tasks_by_key on tasks (project_id, session_id, key) where key is not null;
create index tasks_by_session on tasks (project_id, session_id, status);
create index tasks_by_parent on tasks (project_id, parent_id) where parent_id is not null;
create index tasks_ready on tasks (project_id, executor, priority desc, run_at, seq)
  where status = 'pending' and held = 0 and lane is null;
create index tasks_ready_in_session on tasks (project_id, session_id, executor, priority desc, run_at, seq)
  where status = 'pending' and held = 0 and lane is null;
create index tasks_ready_in_lane on tasks (project_id, session_id, executor, lane, priority desc, run_at, seq)
  where status = 'pending' and held = 0 and lane is not null;
create index tasks_running on tasks (project_id, executor, labels) where status = 'in_progress';
create index tasks_running_by_key on tasks (project_id, limit_key)
  where status = 'in_progress' and limit_key is not null;
create index tasks_waking on tasks (project_id, run_at) where status = 'blocked' and blocked_reason = 'waiting';

create table dependencies (
  project_id text collate "C" not null,
  task_id text collate "C" not null,
  depends_on_id text collate "C" not null,
  session_id text collate "C" not null,
  kind text collate "C" not null,
  primary key (project_id, task_id, depends_on_id)
) {hot};
create index dependencies_by_target on dependencies (project_id, depends_on_id);

create sequence executions_seq;
create table executions (
  seq bigint not null default nextval('executions_seq'),
  project_id text collate "C" not null,
  id text collate "C" not null,
  session_id text collate "C" not null,
  task_id text collate "C" not null,
  kind text collate "C" not null,
  status text collate "C" not null,
  attempt bigint not null,
  retry_count bigint not null,
  fence bigint not null,
  worker_id text collate "C",
  scheduled_for bigint,
  interrupt_requested bigint not null,
  result text collate "C",
  error text collate "C",
  progress text collate "C",
  started_at bigint not null,
  updated_at bigint not null,
  ended_at bigint,
  primary key (project_id, id),
  unique (project_id, seq)
) {hot};
create index executions_of_recurring on executions (project_id, task_id, seq) where scheduled_for is not null;
create index executions_held on executions (project_id, worker_id) where status = 'running';
create index executions_finished on executions (project_id, kind, seq) where status = 'completed';

create table steps (
  project_id text collate "C" not null,
  execution_id text collate "C" not null,
  position bigint not null,
  session_id text collate "C" not null,
  task_id text collate "C" not null,
  name text collate "C" not null,
  kind text collate "C" not null,
  status text collate "C" not null,
  effect text collate "C" not null,
  concurrent bigint not null,
  handled bigint not null,
  attempt bigint not null,
  result text collate "C",
  error text collate "C",
  started_at bigint not null,
  ended_at bigint,
  primary key (project_id, execution_id, position)
) {hot};

create sequence signals_seq;
create table signals (
  seq bigint not null default nextval('signals_seq'),
  project_id text collate "C" not null,
  id text collate "C" not null,
  session_id text collate "C" not null,
  task_id text collate "C" not null,
  name text collate "C" not null,
  payload text collate "C" not null,
  created_at bigint not null,
  consumed_at bigint,
  primary key (project_id, id),
  unique (project_id, seq)
);
create index signals_by_task on signals (project_id, task_id, name, seq) where consumed_at is null;
create index signals_of_session on signals (project_id, session_id);

create sequence artifacts_seq;
create table artifacts (
  seq bigint not null default nextval('artifacts_seq'),
  project_id text collate "C" not null,
  id text collate "C" not null,
  session_id text collate "C" not null,
  task_id text collate "C" not null,
  execution_id text collate "C",
  name text collate "C" not null,
  media_type text collate "C" not null,
  size_bytes bigint not null,
  hash text collate "C" not null,
  created_at bigint not null,
  primary key (project_id, id),
  unique (project_id, seq)
);
create index artifacts_by_task on artifacts (project_id, task_id, seq);

-- The writers of a project append to it one after another, so within a project `seq` is the order of the commits.
create sequence changes_seq;
create table changes (
  seq bigint not null default nextval('changes_seq'),
  project_id text collate "C" not null,
  session_id text collate "C",
  task_id text collate "C",
  at bigint not null,
  actor text collate "C" not null,
  verb text collate "C" not null,
  entity text collate "C" not null,
  row_key text collate "C" not null,
  before text collate "C",
  after text collate "C",
  note text collate "C",
  part bigint not null default 0,
  primary key (project_id, seq)
) {hot};
create index changes_by_session on changes (project_id, session_id, seq);
create index changes_by_fact on changes (project_id, row_key, seq) where entity = 'facts';

-- Commands know blobs by their hash alone. Each project sees its own, through a view that goes by the project of the transaction.
create table project_blobs (
  project_id text collate "C" not null default current_setting('perdure.project'),
  hash text collate "C" not null,
  size_bytes bigint not null,
  content text collate "C" not null,
  primary key (project_id, hash)
) {hot};
create view blobs as
  select hash, size_bytes, content from project_blobs where project_id = current_setting('perdure.project');

create table messages (
  project_id text collate "C" not null,
  session_id text collate "C" not null,
  position bigint not null,
  role text collate "C" not null,
  parts text collate "C" not null,
  token_count bigint not null,
  created_at bigint not null,
  primary key (project_id, session_id, position)
);

create table environments (
  project_id text collate "C" not null,
  hash text collate "C" not null,
  content text collate "C" not null,
  created_at bigint not null,
  primary key (project_id, hash)
);

create sequence checkpoints_seq;
create table checkpoints (
  seq bigint not null default nextval('checkpoints_seq'),
  project_id text collate "C" not null,
  id text collate "C" not null,
  session_id text collate "C" not null,
  label text collate "C" not null,
  kind text collate "C" not null,
  position bigint not null,
  environment_hash text collate "C" not null,
  workspace text collate "C",
  checksum text collate "C" not null,
  created_at bigint not null,
  primary key (project_id, id),
  unique (project_id, seq)
);
create index checkpoints_by_session on checkpoints (project_id, session_id, seq);
create index checkpoints_automatic on checkpoints (project_id, session_id, seq) where kind = 'automatic';

create sequence memory_seq;
create table memory (
  seq bigint not null default nextval('memory_seq'),
  project_id text collate "C" not null,
  session_id text collate "C" not null,
  key text collate "C" not null,
  importance double precision not null,
  size_bytes bigint not null,
  expires_at bigint,
  created_at bigint not null,
  updated_at bigint not null,
  value text collate "C" not null,
  primary key (project_id, session_id, key),
  unique (project_id, seq)
);
create index memory_by_importance on memory (project_id, session_id, importance, updated_at, seq);
create index memory_by_update on memory (project_id, session_id, updated_at, seq);
create index memory_by_expiry on memory (project_id, session_id, expires_at) where expires_at is not null;

-- Words as SQLite's tokenizer sees them: marks are taken off letters, whatever is no letter or digit parts words; English stems, no stop words.
create text search dictionary stems (template = snowball, language = english);
create text search configuration words (copy = simple);
alter text search configuration words
  alter mapping for asciiword, word, numword, asciihword, hword, numhword, hword_asciipart, hword_part, hword_numpart with stems;
create function searchable(value text) returns text language sql immutable parallel safe as $$
  select lower(regexp_replace(
    regexp_replace(normalize(value, nfd), '[\u0300-\u036f]', '', 'g'),
    '[\u0001-\u002f\u003a-\u0040\u005b-\u0060\u007b-\u00bf\u2000-\u206f\u3000-\u303f]+', ' ', 'g'))
$$;

create sequence facts_seq;
create table facts (
  seq bigint not null default nextval('facts_seq'),
  project_id text collate "C" not null,
  id text collate "C" not null,
  kind text collate "C" not null,
  text text collate "C" not null,
  source text collate "C" not null,
  trust double precision not null,
  status text collate "C" not null,
  status_note text collate "C",
  content_hash text collate "C" not null,
  supersedes_id text collate "C",
  version bigint not null,
  created_at bigint not null,
  updated_at bigint not null,
  primary key (project_id, id),
  unique (project_id, seq)
);
create index facts_by_seq on facts (seq);
create index facts_by_content on facts (project_id, content_hash);
create index facts_by_superseded on facts (project_id, supersedes_id) where supersedes_id is not null;
create index facts_by_status on facts (project_id, status, kind, seq);

-- Derived from facts, for searching them.
create table facts_text (
  project_id text collate "C" not null,
  seq bigint not null,
  words tsvector not null,
  primary key (project_id, seq)
);
create index facts_text_by_word on facts_text using gin (words);
create function index_fact() returns trigger language plpgsql as $$
begin
  if tg_op <> 'INSERT' then
    delete from facts_text where project_id = old.project_id and seq = old.seq;
  end if;
  if tg_op <> 'DELETE' then
    insert into facts_text (project_id, seq, words)
      values (new.project_id, new.seq, to_tsvector('words', searchable(new.text)));
  end if;
  return null;
end $$;
create trigger facts_text_insert after insert or delete on facts for each row execute function index_fact();
create trigger facts_text_update after update of text, seq on facts for each row execute function index_fact();

create table fact_dependencies (
  project_id text collate "C" not null,
  fact_id text collate "C" not null,
  depends_on_id text collate "C" not null,
  primary key (project_id, fact_id, depends_on_id)
);
create index fact_dependencies_by_target on fact_dependencies (project_id, depends_on_id);

create sequence cleanups_seq;
create table cleanups (
  seq bigint not null default nextval('cleanups_seq'),
  project_id text collate "C" not null,
  id text collate "C" not null,
  trimmed_through bigint,
  removed text collate "C" not null,
  created_at bigint not null,
  primary key (project_id, id),
  unique (project_id, seq)
);

create sequence vectors_seq;
create table vectors (
  seq bigint not null default nextval('vectors_seq'),
  project_id text collate "C" not null,
  model text collate "C" not null,
  hash text collate "C" not null,
  vector text collate "C" not null,
  primary key (project_id, model, hash),
  unique (project_id, seq)
);

create table limit_rules (
  project_id text collate "C" not null,
  id text collate "C" not null,
  position bigint not null,
  subject text collate "C" not null,
  pattern text collate "C" not null,
  concurrency bigint,
  rate_count bigint,
  rate_ms bigint,
  created_at bigint not null,
  updated_at bigint not null,
  primary key (project_id, id)
);

-- Derived, and a hint: where ready tasks with labels or a key are to be found (SQLite's migration 3 tells how).
create sequence lanes_seq;
create table lanes (
  seq bigint not null default nextval('lanes_seq'),
  project_id text collate "C" not null,
  session_id text collate "C" not null,
  executor text collate "C" not null,
  labels text collate "C" not null,
  limit_key text collate "C" not null,
  priority bigint not null,
  run_at bigint not null,
  due_at bigint not null,
  primary key (project_id, session_id, executor, labels, limit_key, priority),
  unique (project_id, seq)
);
create index lanes_due on lanes (project_id, executor, labels, priority desc, due_at, seq);
create index lanes_due_in_session on lanes (project_id, session_id, executor, labels, priority desc, due_at, seq);
create index lanes_by_key on lanes (project_id, limit_key) where limit_key <> '';

create function open_lane() returns trigger language plpgsql as $$
begin
  insert into lanes as l (project_id, session_id, executor, labels, limit_key, priority, run_at, due_at)
    values (new.project_id, new.session_id, new.executor, coalesce(new.labels, ''), coalesce(new.limit_key, ''),
      new.priority, new.run_at, new.run_at)
    on conflict (project_id, session_id, executor, labels, limit_key, priority) do update
      set run_at = least(l.run_at, excluded.run_at),
        due_at = case when tg_op = 'INSERT' and l.due_at > l.run_at then l.due_at
          else least(l.run_at, excluded.run_at) end
      where tg_op = 'UPDATE' or excluded.run_at < l.run_at;
  return null;
end $$;
create trigger lanes_task_insert after insert on tasks for each row
  when (new.lane is not null and new.status = 'pending' and new.held = 0) execute function open_lane();
create trigger lanes_task_update
  after update of status, held, executor, labels, limit_key, limit_concurrency, limit_rate_count, limit_rate_ms, priority, run_at
  on tasks for each row
  when (new.lane is not null and new.status = 'pending' and new.held = 0) execute function open_lane();

create function free_place() returns trigger language plpgsql as $$
begin
  update lanes set due_at = run_at
    where project_id = old.project_id and limit_key = old.limit_key and limit_key <> '';
  return null;
end $$;
create trigger lanes_place_update after update of status on tasks for each row
  when (old.limit_key is not null and old.status = 'in_progress' and new.status <> 'in_progress')
  execute function free_place();
create trigger lanes_place_delete after delete on tasks for each row
  when (old.limit_key is not null and old.status = 'in_progress') execute function free_place();

-- Coordination, not state: not in the change log.

create table limit_starts (
  project_id text collate "C" not null,
  id text collate "C" not null,
  starts text collate "C" not null,
  expires_at bigint not null,
  primary key (project_id, id)
);
create index limit_starts_by_expiry on limit_starts (project_id, expires_at);

create table workers (
  project_id text collate "C" not null,
  id text collate "C" not null,
  host text collate "C" not null,
  pid bigint,
  start_token text collate "C",
  label text collate "C" not null,
  registered_at bigint not null,
  lease_expires_at bigint not null,
  by_hand bigint not null default 0,
  executors text collate "C" not null default '[]',
  labels text collate "C" not null default '[]',
  primary key (project_id, id)
);

create table processes (
  project_id text collate "C" not null,
  execution_id text collate "C" not null,
  pid bigint not null,
  host text collate "C" not null,
  start_token text collate "C" not null,
  primary key (project_id, execution_id, pid)
);

-- Derived: how many unfinished tasks a session holds and what its memory takes; how many facts a project has.

create table session_loads (
  project_id text collate "C" not null,
  session_id text collate "C" not null,
  unfinished bigint not null,
  memory_entries bigint not null default 0,
  memory_bytes bigint not null default 0,
  primary key (project_id, session_id)
) with (fillfactor = 50);

create table project_loads (
  project_id text collate "C" primary key,
  facts bigint not null
) with (fillfactor = 50);

create function is_unfinished(status text) returns boolean language sql immutable parallel safe as $$
  select status in ('pending', 'blocked', 'in_progress')
$$;

create function load_session() returns trigger language plpgsql as $$
begin
  if tg_op = 'INSERT' then
    insert into session_loads (project_id, session_id, unfinished) values (new.project_id, new.id, 0);
  else
    delete from session_loads where project_id = old.project_id and session_id = old.id;
  end if;
  return null;
end $$;
create trigger session_loads_row after insert or delete on sessions for each row execute function load_session();

create function hold_tasks() returns trigger language plpgsql as $$
begin
  update tasks set held = case when new.status = 'active' then 0 else 1 end
    where project_id = new.project_id and session_id = new.id and is_unfinished(status);
  return null;
end $$;
create trigger tasks_held after update of status on sessions for each row
  when ((old.status = 'active') <> (new.status = 'active')) execute function hold_tasks();

create function count_task() returns trigger language plpgsql as $$
declare
  delta bigint := case tg_op when 'INSERT' then 1 when 'DELETE' then -1
    else case when is_unfinished(new.status) then 1 else -1 end end;
begin
  if tg_op = 'DELETE' then
    update session_loads set unfinished = unfinished + delta
      where project_id = old.project_id and session_id = old.session_id;
    return null;
  end if;
  update session_loads set unfinished = unfinished + delta
    where project_id = new.project_id and session_id = new.session_id;
  if tg_op = 'UPDATE' and delta = 1 then
    update tasks set held = (
        select case when status = 'active' then 0 else 1 end from sessions
          where project_id = new.project_id and id = new.session_id)
      where project_id = new.project_id and seq = new.seq;
  end if;
  return null;
end $$;
create trigger tasks_load_insert after insert on tasks for each row
  when (is_unfinished(new.status)) execute function count_task();
create trigger tasks_load_delete after delete on tasks for each row
  when (is_unfinished(old.status)) execute function count_task();
create trigger tasks_load_update after update of status on tasks for each row
  when (is_unfinished(old.status) <> is_unfinished(new.status)) execute function count_task();

create function count_memory() returns trigger language plpgsql as $$
begin
  if tg_op = 'INSERT' then
    update session_loads set memory_entries = memory_entries + 1, memory_bytes = memory_bytes + new.size_bytes
      where project_id = new.project_id and session_id = new.session_id;
  elsif tg_op = 'DELETE' then
    update session_loads set memory_entries = memory_entries - 1, memory_bytes = memory_bytes - old.size_bytes
      where project_id = old.project_id and session_id = old.session_id;
  else
    update session_loads set memory_bytes = memory_bytes + new.size_bytes - old.size_bytes
      where project_id = new.project_id and session_id = new.session_id;
  end if;
  return null;
end $$;
create trigger memory_load_row after insert or delete on memory for each row execute function count_memory();
create trigger memory_load_update after update of size_bytes on memory for each row execute function count_memory();

create function count_fact() returns trigger language plpgsql as $$
begin
  if tg_op = 'INSERT' then
    insert into project_loads (project_id, facts) values (new.project_id, 1)
      on conflict (project_id) do update set facts = project_loads.facts + 1;
  else
    update project_loads set facts = facts - 1 where project_id = old.project_id;
  end if;
  return null;
end $$;
create trigger facts_load_row after insert or delete on facts for each row execute function count_fact();

-- SQLite's name for it.
create function instr(value text, part text) returns bigint language sql immutable parallel safe as $$
  select strpos(value, part)::bigint
$$;

-- The content of artifacts, so that every machine can read what another made: base64, in parts.
create table artifact_parts (
  project_id text collate "C" not null,
  hash text collate "C" not null,
  part bigint not null,
  is_last bigint not null,
  content text collate "C" not null,
  primary key (project_id, hash, part)
);
