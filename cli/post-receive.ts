/** What a post-receive hook of plain git is made of; both files belong into the repository's `hooks` folder. */
export interface PostReceive {
  /** `hooks/fairway.curl`, for nobody else to read: the secret is in it, and so in no list of processes. */
  readonly settings: readonly string[]
  /** `hooks/post-receive`, executable. */
  readonly script: readonly string[]
}

/** Git starts hooks in the repository itself, with what was pushed on standard input (githooks(5)). */
export const postReceive = (url: string, secret: string): PostReceive => ({
  settings: [
    `url = "${url}"`,
    `header = "X-Fairway-Token: ${secret.replaceAll(/["\\]/g, '\\$&')}"`,
    'header = "Content-Type: text/plain"',
    'data-binary = "@-"',
    'silent',
    'show-error',
    'max-time = 60',
    'retry = 3',
  ],
  script: [
    '#!/bin/sh',
    // Of variables, whoever pushes by ssh sets any: git push --receive-pack='env GL_USER=… git-receive-pack'.
    '# Whoever pushes is the account. Where nothing but gitolite runs this hook, put $GL_USER in its place, not $(id -un);',
    '# where nothing but a web server does, $REMOTE_USER.',
    // One name for each push, the same when curl tries again.
    'exec curl -K hooks/fairway.curl -H "X-Fairway-Delivery: $(date +%s)-$$" -H "X-Fairway-Pusher: $(id -un)"',
  ],
})

/** To be pasted into a shell in the bare repository. */
export function postReceiveLines(url: string, secret: string): string[] {
  const { settings, script } = postReceive(url, secret)
  return [
    "(umask 077 && cat >hooks/fairway.curl) <<'END'",
    ...settings,
    'END',
    // A hook that is there already stays.
    "(set -C && cat >hooks/post-receive) <<'END' && chmod 755 hooks/post-receive",
    ...script,
    'END',
  ]
}

/** Names that say which forge an address is at: those deliver by themselves. */
const forges = /(^|[/@.])(github|gitlab|gitea|forgejo|codeberg|bitbucket)\.[\w.-]+([:/]|$)/i

/** Whether whoever has that address may need a hook. */
export const mayBePlainGit = (repositoryUrl: string): boolean => !forges.test(repositoryUrl)
