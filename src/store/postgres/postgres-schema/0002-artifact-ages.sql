-- When a part of an artifact's content was last put, and how large it is: what a cleanup goes by. The defaults are for
-- processes of the program before, which may go on until they end.
alter table artifact_parts add column size_bytes bigint not null default 0;
alter table artifact_parts add column put_at bigint not null default (extract(epoch from now()) * 1000)::bigint;
-- Of base64, within two bytes, without reading the content.
update artifact_parts set size_bytes = octet_length(content) * 3 / 4;
