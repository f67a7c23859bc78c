-- A run's record has the shape that its kind had when it was written: whoever reads it upgrades it first. 1: from before
-- records had versions. A server that knows of none writes that.
alter table runs add column record_version integer not null default 1;
