-- What keeps a host's containers apart: versions of Docker and what it runs on, as its agent reports them. See
-- ContainerRuntimeFacts in server/db/record.ts.
alter table hosts add column container_runtime jsonb not null default '{}';
