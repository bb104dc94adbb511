-- What makes an agent continuous: messages, checkpoints, working memory, facts.

-- Who a session belongs to, and where a fork came from.
alter table sessions add column agent_id text;
alter table sessions add column user_id text;
alter table sessions add column origin_id text;
alter table sessions add column origin_checkpoint_id text;
create index sessions_by_owner on sessions (project_id, agent_id, user_id, seq)
  where agent_id is not null or user_id is not null;
alter table tasks add column origin_id text;

-- For reading and deleting a whole session.
create index signals_of_session on signals (project_id, session_id);

-- The place of a change among those of its command, from 0. A change with 0 begins a new command.
alter table changes add column part integer not null default 0;

-- Many blobs are small now (parts of messages). Without a rowid SQLite keeps a row in its page only up to a quarter of it,
-- and gives each larger one a page of its own: a message of 1 kB took 5 kB.
create table blobs_with_rowid (
  hash text not null unique,
  size_bytes integer not null,
  content text not null
) strict;
insert into blobs_with_rowid (hash, size_bytes, content) select hash, size_bytes, content from blobs;
drop table blobs;
alter table blobs_with_rowid rename to blobs;

create table messages (
  project_id text not null,
  session_id text not null,
  position integer not null,
  role text not null,
  parts text not null,
  token_count integer not null,
  created_at integer not null,
  primary key (project_id, session_id, position)
) strict, without rowid;

-- Each environment a checkpoint was made in, once, by the hash of its content.
create table environments (
  project_id text not null,
  hash text not null,
  content text not null,
  created_at integer not null,
  primary key (project_id, hash)
) strict, without rowid;

create table checkpoints (
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
create index checkpoints_by_session on checkpoints (project_id, session_id, seq);
create index checkpoints_automatic on checkpoints (project_id, session_id, seq) where kind = 'automatic';

create table memory (
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
-- In the order in which entries make room.
create index memory_by_importance on memory (project_id, session_id, importance, updated_at, seq);
create index memory_by_update on memory (project_id, session_id, updated_at, seq);
create index memory_by_expiry on memory (project_id, session_id, expires_at) where expires_at is not null;

-- What each session's memory takes, derived.
alter table session_loads add column memory_entries integer not null default 0;
alter table session_loads add column memory_bytes integer not null default 0;
create trigger memory_load_insert after insert on memory begin
  update session_loads set memory_entries = memory_entries + 1, memory_bytes = memory_bytes + new.size_bytes
    where project_id = new.project_id and session_id = new.session_id;
end;
create trigger memory_load_delete after delete on memory begin
  update session_loads set memory_entries = memory_entries - 1, memory_bytes = memory_bytes - old.size_bytes
    where project_id = old.project_id and session_id = old.session_id;
end;
create trigger memory_load_update after update of size_bytes on memory begin
  update session_loads set memory_bytes = memory_bytes + new.size_bytes - old.size_bytes
    where project_id = new.project_id and session_id = new.session_id;
end;

create table facts (
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
create index facts_by_content on facts (project_id, content_hash);
create index facts_by_superseded on facts (project_id, supersedes_id) where supersedes_id is not null;
create index facts_by_status on facts (project_id, status, kind, seq);

create table fact_dependencies (
  project_id text not null,
  fact_id text not null,
  depends_on_id text not null,
  primary key (project_id, fact_id, depends_on_id)
) strict, without rowid;
create index fact_dependencies_by_target on fact_dependencies (project_id, depends_on_id);

create table cleanups (
  seq integer primary key,
  project_id text not null,
  id text not null,
  -- The last change that is no longer in the log but in its mirror alone; null when this cleanup cut nothing off.
  trimmed_through integer,
  removed text not null,
  created_at integer not null,
  unique (project_id, id)
) strict;

-- For the history of a fact.
create index changes_by_fact on changes (project_id, row_key, seq) where entity = 'facts';

-- How many facts a project has, derived.
create table project_loads (
  project_id text not null primary key,
  facts integer not null
) strict, without rowid;
create trigger facts_load_insert after insert on facts begin
  insert into project_loads (project_id, facts) values (new.project_id, 1)
    on conflict (project_id) do update set facts = facts + 1;
end;
create trigger facts_load_delete after delete on facts begin
  update project_loads set facts = facts - 1 where project_id = old.project_id;
end;

-- Derived from facts, for searching them. Kind and status are in it so that a search for some passes over the others.
create virtual table facts_text using fts5(
  text, kind, status, content = 'facts', content_rowid = 'seq', tokenize = 'porter unicode61'
);
create trigger facts_text_insert after insert on facts begin
  insert into facts_text (rowid, text, kind, status) values (new.seq, new.text, new.kind, new.status);
end;
create trigger facts_text_delete after delete on facts begin
  insert into facts_text (facts_text, rowid, text, kind, status)
    values ('delete', old.seq, old.text, old.kind, old.status);
end;
create trigger facts_text_update after update of text, kind, status on facts begin
  insert into facts_text (facts_text, rowid, text, kind, status)
    values ('delete', old.seq, old.text, old.kind, old.status);
  insert into facts_text (rowid, text, kind, status) values (new.seq, new.text, new.kind, new.status);
end;

-- Embeddings, derived: what a model made of a text, by the hash of that text.
create table vectors (
  seq integer primary key,
  project_id text not null,
  model text not null,
  hash text not null,
  -- Base64 of the vector, each number scaled to a byte.
  vector text not null,
  unique (project_id, model, hash)
) strict;

-- Claims made by hand, which reports extend. Its process, where it has one, is that of the server the claim came through.
alter table workers add column by_hand integer not null default 0;
update workers set by_hand = 1 where pid is null;
