/** A policy for tests that are about something else: nothing waits for anybody. */
export const noApprovals = `approvals:
  production-deploy: none
  production-destroy: none
  restore: none
  rollback: none
  shell: none
  secret-read: none
`
