-- Set while the project is made again from a copy of its log: nobody else opens it then, on whichever machine.
alter table projects add column is_restoring bigint not null default 0;
