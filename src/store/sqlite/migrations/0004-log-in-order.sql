-- The log is read in its order, from any change on, and by session. Without statistics SQLite takes project_id for a condition
-- that leaves few rows, reads the whole log by it and sorts: a checkpoint, and each batch of the journal, took as long as the log.
-- Nearly always there is one project in a file. These say so: of a million changes all are of one project, a thousand of one session.
analyze sqlite_schema;
insert into sqlite_stat1 (tbl, idx, stat) values
  ('changes', 'changes_by_session', '1000000 1000000 1000 1'),
  ('changes', 'changes_by_fact', '10000 10000 10 1');
analyze sqlite_schema;
