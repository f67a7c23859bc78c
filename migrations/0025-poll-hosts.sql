-- Which hosts answered a poll last: of a path each host has its own.

alter table repository_polls add column answered_by uuid[] not null default '{}';
