-- What makes an agent continuous: messages, checkpoints, working memory, facts.

-- Who a session belongs to, and where a fork came from.
alter table sessions add column agent_id text;
alter table sessions add column user_id text;
alter table sessions add column origin_id text;
alter table sessions add column origin_checkpoint_id text;
create index sessions_by_owner on sessions (project_id, agent_id, user_id, seq)
  where agent_id is not null or user_id is not null;
alter table tasks add column origin_id text;

-- The place of a change among those of its command, from 0. A change with 0 begins a new command.
alter table changes add column part integer not null default 0;

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

create table memory (
  seq integer primary key,
  project_id text not null,
  session_id text not null,
  key text not null,
  value text not null,
  importance real not null,
  size_bytes integer not null,
  expires_at integer,
  created_at integer not null,
  updated_at integer not null,
  unique (project_id, session_id, key)
) strict;

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

-- Derived from facts, for searching them.
create virtual table facts_text using fts5(text, content = 'facts', content_rowid = 'seq', tokenize = 'porter unicode61');
create trigger facts_text_insert after insert on facts begin
  insert into facts_text (rowid, text) values (new.seq, new.text);
end;
create trigger facts_text_delete after delete on facts begin
  insert into facts_text (facts_text, rowid, text) values ('delete', old.seq, old.text);
end;
create trigger facts_text_update after update of text on facts begin
  insert into facts_text (facts_text, rowid, text) values ('delete', old.seq, old.text);
  insert into facts_text (rowid, text) values (new.seq, new.text);
end;
