-- What an environment's containers may take, each of the two, so that a host's memory can be added up without reading
-- every deployment. Generated: a server that does not know it keeps it right as well. 0: none was set.
alter table environments add column memory_bytes bigint not null
  generated always as (coalesce((deployment ->> 'memoryBytes')::bigint, 0)) stored;
create index environments_of_host on environments (host_id) where status in ('running', 'failed');
create index runs_under_way_of_host on runs (host_id) where status = 'running';
