-- Of a run that a poll began: who pushed, as the delivery said that came after it. Empty: none came.
alter table runs add column pushed_by text not null default '';
