-- What a host last said that the environment's database has installed, and with which code: what plans are made from. Null:
-- not known, and `deployment` says what was meant to be. See ContentsRecord in server/db/record.ts.
alter table environments add column contents jsonb;
