-- Hooks of plain git deliver as well; what is refused of theirs is counted like the others'.
alter table webhook_refusals drop constraint webhook_refusals_forge_check;
alter table webhook_refusals add constraint webhook_refusals_forge_check
  check (forge in ('github', 'gitlab', 'gitea', 'bitbucket', 'git'));
