-- The roles that the server works as are called after their installation from here on, since roles are the whole
-- PostgreSQL's: server/db/installation-roles.ts, which has made this table already where it ran before. Migrations go on
-- saying fairway_app and fairway_scheduler. A server of before, which knows no such names, refuses this database.
create table if not exists installation (role_suffix text not null);
comment on table installation is 'One row: what the names of this installation''s roles end in.';
