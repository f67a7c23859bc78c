import { mkdirSync } from 'node:fs'
import { type ProcessError, type RunResult, run } from '../process.ts'
import type { GitProtocol } from './url.ts'

export interface GitOptions {
  signal: AbortSignal
  gitDir: string
  timeoutMs?: number
  workTree?: string
  indexFile?: string
  /** What can be kept of the output; `RunResult.truncated` tells when it was not enough. */
  keepBytes?: number
  /** Written to standard input. */
  input?: string
  onLine?: (line: string) => void
  /** Exit codes that are not failures. Default: only 0. */
  okExitCodes?: readonly number[]
  environment?: Readonly<Record<string, string>>
  presented?: Presented
}

/** What is presented to the one host that a command talks to. */
export type Presented =
  | { kind: 'password' /** `https://git.example:8443` */; origin: string; username: string; password: string }
  | { kind: 'ssh-key'; file: string }

/** Runs git on a repository of ours, with everything off that a repository's content or the host could switch on. */
export type Git = (args: readonly string[], options: GitOptions) => Promise<RunResult>

export interface GitSettings {
  /** Private directory: HOME of git and ssh, known host keys. */
  home: string
  protocols: readonly GitProtocol[]
  /** Deploy key for ssh addresses. */
  sshKeyFile?: string
  /** Proxies and certificate authorities (`https_proxy`, `GIT_SSL_CAINFO`, …), named one by one. */
  environment?: Readonly<Record<string, string>>
}

const configuration = [
  'core.hooksPath=/dev/null',
  'core.fsmonitor=false',
  'core.symlinks=true',
  'core.protectHFS=true',
  'core.protectNTFS=true',
  'credential.helper=',
  'submodule.recurse=false',
  'fetch.recurseSubmodules=false',
  'gc.auto=0',
  'maintenance.auto=false',
  'advice.detachedHead=false',
  // Refuses hostile .gitmodules and paths on arrival. What old but honest histories trip over is let through.
  'fetch.fsckObjects=true',
  'fetch.fsck.zeroPaddedFilemode=ignore',
  'fetch.fsck.missingSpaceBeforeDate=ignore',
  'fetch.fsck.badTimezone=ignore',
  'fetch.fsck.badDate=ignore',
  'fetch.fsck.missingEmail=ignore',
  'http.lowSpeedLimit=1000',
  'http.lowSpeedTime=60',
]

export function createGit(settings: GitSettings): Git {
  mkdirSync(settings.home, { recursive: true, mode: 0o700 })
  const environment = {
    ...settings.environment,
    HOME: settings.home,
    GIT_CONFIG_NOSYSTEM: '1',
    GIT_CONFIG_GLOBAL: '/dev/null',
    GIT_ATTR_NOSYSTEM: '1',
    GIT_TERMINAL_PROMPT: '0',
    GIT_ASKPASS: '/bin/false',
    SSH_ASKPASS: '/bin/false',
    // The same as protocol.allow=never and these to always.
    GIT_ALLOW_PROTOCOL: settings.protocols.join(':'),
    GIT_LFS_SKIP_SMUDGE: '1',
    GIT_OPTIONAL_LOCKS: '0',
    GIT_SSH_VARIANT: 'ssh',
    GIT_SSH_COMMAND: sshCommand(settings.home, settings.sshKeyFile),
  }
  const fixed = configuration.flatMap((entry) => ['-c', entry])
  return (args, options) =>
    run('git', [...fixed, ...presentingConfiguration(options.presented), ...args], {
      signal: options.signal,
      timeoutMs: options.timeoutMs ?? 120_000,
      keepBytes: options.keepBytes,
      input: options.input,
      okExitCodes: options.okExitCodes,
      onLine: options.onLine && ((_stream, line) => options.onLine?.(line)),
      env: {
        ...environment,
        ...options.environment,
        ...presentingEnvironment(options.presented, settings),
        GIT_DIR: options.gitDir,
        ...(options.workTree && { GIT_WORK_TREE: options.workTree }),
        ...(options.indexFile && { GIT_INDEX_FILE: options.indexFile }),
      },
    })
}

/** The values stand in the environment: arguments are for all on the host to read. */
const helper =
  '!f() { test "$1" != get || printf "username=%s\\npassword=%s\\n" "$FAIRWAY_GIT_USERNAME" "$FAIRWAY_GIT_PASSWORD"; }; f'

function presentingConfiguration(presented: Presented | undefined): string[] {
  if (presented?.kind !== 'password') return []
  // Older versions of curl go on presenting to where they are sent.
  return ['-c', `credential.${presented.origin}.helper=${helper}`, '-c', 'http.followRedirects=false']
}

function presentingEnvironment(
  presented: Presented | undefined,
  { home }: GitSettings,
): Record<string, string> {
  if (!presented) return {}
  if (presented.kind === 'ssh-key') return { GIT_SSH_COMMAND: sshCommand(home, presented.file) }
  return { FAIRWAY_GIT_USERNAME: presented.username, FAIRWAY_GIT_PASSWORD: presented.password }
}

function sshCommand(home: string, keyFile: string | undefined): string {
  const options = [
    'BatchMode=yes',
    'StrictHostKeyChecking=accept-new',
    `UserKnownHostsFile=${home}/known_hosts`,
    'ConnectTimeout=20',
    ...(keyFile ? [`IdentityFile=${keyFile}`, 'IdentitiesOnly=yes'] : []),
  ]
  return `ssh -F /dev/null ${options.map((option) => `-o '${option}'`).join(' ')}`
}

/** What git said when it failed, in one line. */
export function lastGitError(error: ProcessError): string {
  const lines = error.stderr.split(/[\r\n]/).map((line) => line.trim())
  const telling =
    lines.find((line) => /^(fatal|error|ssh|ERROR): /.test(line)) ??
    lines.filter((line) => line && !/\d+%|^remote: (Enumerating|Total)/.test(line)).at(-1)
  return (telling ?? error.message).replace(/^(fatal|error): /, '')
}
