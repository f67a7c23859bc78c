import type { Noun, PlainVerb } from './verb.ts'

/** Every command; its file is loaded when it is called or when help lists it. */
export const nouns: Record<string, Noun> = {
  project: {
    summary: 'Odoo systems: a repository and its environments',
    verbs: {
      create: () => import('./commands/project/create.ts'),
      check: () => import('./commands/project/check.ts'),
      list: () => import('./commands/project/list.ts'),
      pin: () => import('./commands/project/pin.ts'),
      show: () => import('./commands/project/show.ts'),
      update: () => import('./commands/project/update.ts'),
      webhook: () => import('./commands/project/webhook.ts'),
      rename: () => import('./commands/project/rename.ts'),
      archive: () => import('./commands/project/archive.ts'),
      unarchive: () => import('./commands/project/unarchive.ts'),
      delete: () => import('./commands/project/delete.ts'),
    },
  },
  host: {
    summary: 'Machines that run agents',
    verbs: {
      'join-token': () => import('./commands/host/join-token.ts'),
      list: () => import('./commands/host/list.ts'),
      show: () => import('./commands/host/show.ts'),
      revoke: () => import('./commands/host/revoke.ts'),
    },
  },
  branch: {
    summary: 'Branches and their stages',
    verbs: { list: () => import('./commands/branch/list.ts') },
  },
  build: {
    summary: 'Builds of a branch',
    verbs: {
      start: () => import('./commands/build/start.ts'),
      list: () => import('./commands/build/list.ts'),
      show: () => import('./commands/build/show.ts'),
      watch: () => import('./commands/build/watch.ts'),
      cancel: () => import('./commands/build/cancel.ts'),
      rebuild: () => import('./commands/build/rebuild.ts'),
    },
  },
  env: {
    summary: 'Environments: running Odoos',
    verbs: {
      list: () => import('./commands/env/list.ts'),
      show: () => import('./commands/env/show.ts'),
      open: () => import('./commands/env/open.ts'),
      stop: () => import('./commands/env/stop.ts'),
      start: () => import('./commands/env/start.ts'),
      destroy: () => import('./commands/env/destroy.ts'),
    },
  },
  release: {
    summary: 'What goes to production: planned, rehearsed, approved, promoted',
    verbs: {
      plan: () => import('./commands/release/plan.ts'),
      rehearse: () => import('./commands/release/rehearse.ts'),
      rehearsal: () => import('./commands/release/rehearsal.ts'),
      request: () => import('./commands/release/request.ts'),
      promote: () => import('./commands/release/promote.ts'),
      restore: () => import('./commands/release/restore.ts'),
      history: () => import('./commands/release/history.ts'),
    },
  },
  snapshot: {
    summary: 'What production’s data were before releases changed them',
    verbs: { list: () => import('./commands/snapshot/list.ts') },
  },
  member: {
    summary: 'People, their roles, and what is granted to them',
    verbs: {
      add: () => import('./commands/member/add.ts'),
      list: () => import('./commands/member/list.ts'),
      invite: () => import('./commands/member/invite.ts'),
      recover: () => import('./commands/member/recover.ts'),
      remove: () => import('./commands/member/remove.ts'),
      grant: () => import('./commands/member/grant.ts'),
      grants: () => import('./commands/member/grants.ts'),
      'revoke-grant': () => import('./commands/member/revoke-grant.ts'),
    },
  },
  token: {
    summary: 'Tokens for programs, and sessions',
    verbs: {
      create: () => import('./commands/token/create.ts'),
      list: () => import('./commands/token/list.ts'),
      revoke: () => import('./commands/token/revoke.ts'),
    },
  },
  access: {
    summary: 'Who may do what, and why',
    verbs: { explain: () => import('./commands/access/explain.ts') },
  },
  secret: {
    summary: 'Values that Odoo gets as environment variables',
    verbs: {
      set: () => import('./commands/secret/set.ts'),
      rotate: () => import('./commands/secret/rotate.ts'),
      list: () => import('./commands/secret/list.ts'),
      delete: () => import('./commands/secret/delete.ts'),
      reveal: () => import('./commands/secret/reveal.ts'),
      'rotate-keys': () => import('./commands/secret/rotate-keys.ts'),
    },
  },
  credential: {
    summary: 'What builds present to git hosts, registries and package indexes',
    verbs: {
      set: () => import('./commands/credential/set.ts'),
      list: () => import('./commands/credential/list.ts'),
      delete: () => import('./commands/credential/delete.ts'),
    },
  },
  evidence: {
    summary: 'Signed evidence of what runs did, for auditors',
    verbs: {
      list: () => import('./commands/evidence/list.ts'),
      show: () => import('./commands/evidence/show.ts'),
      pull: () => import('./commands/evidence/pull.ts'),
      keys: () => import('./commands/evidence/keys.ts'),
      verify: () => import('./commands/evidence/verify.ts'),
    },
  },
  run: {
    summary: 'Builds and all other runs: what they do and did, and what one is stuck at',
    verbs: {
      list: () => import('./commands/run/list.ts'),
      show: () => import('./commands/run/show.ts'),
      watch: () => import('./commands/run/watch.ts'),
      retry: () => import('./commands/run/retry.ts'),
      abandon: () => import('./commands/run/abandon.ts'),
      cancel: () => import('./commands/run/cancel.ts'),
    },
  },
  audit: {
    summary: 'The log of every change, and proof that nobody rewrote it',
    verbs: {
      list: () => import('./commands/audit/list.ts'),
      show: () => import('./commands/audit/show.ts'),
      export: () => import('./commands/audit/export.ts'),
      verify: () => import('./commands/audit/verify.ts'),
      checkpoint: () => import('./commands/audit/checkpoint.ts'),
    },
  },
  policy: {
    summary: 'What a project’s rules demand beyond roles',
    verbs: {
      show: () => import('./commands/policy/show.ts'),
      set: () => import('./commands/policy/set.ts'),
      test: () => import('./commands/policy/test.ts'),
      history: () => import('./commands/policy/history.ts'),
    },
  },
  approval: {
    summary: 'Actions that wait for somebody else’s word',
    verbs: {
      list: () => import('./commands/approval/list.ts'),
      show: () => import('./commands/approval/show.ts'),
      approve: () => import('./commands/approval/approve.ts'),
      reject: () => import('./commands/approval/reject.ts'),
      'break-glass': () => import('./commands/approval/break-glass.ts'),
      'close-review': () => import('./commands/approval/close-review.ts'),
    },
  },
  report: {
    summary: 'What auditors ask for, over a span of time',
    verbs: {
      releases: () => import('./commands/report/releases.ts'),
      access: () => import('./commands/report/access.ts'),
      restores: () => import('./commands/report/restores.ts'),
    },
  },
}

/** Commands without a noun. */
export const plainVerbs: Record<string, PlainVerb> = {
  login: {
    summary: 'Log in to a server, and keep its address and a token for the commands to come',
    load: () => import('./commands/session/login.ts'),
  },
  logout: { summary: 'End the session and forget it', load: () => import('./commands/session/logout.ts') },
  whoami: {
    summary: 'Show who the token speaks for',
    load: () => import('./commands/session/whoami.ts'),
  },
  check: {
    summary: 'Say what a build would say of a working copy, before it is pushed',
    load: () => import('./commands/check/check.ts'),
  },
  lock: {
    summary: 'Show what a branch or build is made of, pinned; or resolve a branch anew',
    load: () => import('./commands/lock/show.ts'),
  },
  rollback: {
    summary: 'Take production back to what it served before',
    load: () => import('./commands/release/rollback.ts'),
  },
  logs: {
    summary: 'Read the logs of a build or an environment',
    load: () => import('./commands/logs/read.ts'),
  },
  completion: {
    summary: 'Print the script that completes commands in bash, zsh or fish',
    load: async () => {
      const { completionOf } = await import('./commands/completion/print.ts')
      return { command: completionOf({ nouns, plainVerbs }) }
    },
  },
}
