import { mkdirSync } from 'node:fs'
import type { GitProtocol } from '../../lib/addresses/git-url.ts'
import { type ProcessError, type RunResult, run } from '../process.ts'
import type { WayOut } from './way-out.ts'

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
  /** Where it may connect to; without one it can't, whatever a repository or its configuration says. */
  wayOut?: WayOut
  presented?: Presented
}

/** What is presented to the one host that a command talks to. */
export type Presented =
  | { kind: 'password' /** `https://git.example:8443` */; origin: string; username: string; password: string }
  | { kind: 'ssh-key'; file: string }

/**
 * Runs git on a repository of ours, with everything off that a repository's content or the host could switch on, and
 * nothing of the host's own: no configuration, no credentials, no keys or agent of ssh, no proxies.
 */
export type Git = (args: readonly string[], options: GitOptions) => Promise<RunResult>

export interface GitSettings {
  /** Private directory: HOME of git and ssh, known host keys. */
  home: string
  protocols: readonly GitProtocol[]
  /** Certificate authorities (`GIT_SSL_CAINFO`), named one by one. */
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
    GIT_LFS_SKIP_SMUDGE: '1',
    GIT_OPTIONAL_LOCKS: '0',
    // What a mirror was fetched without is missing in it, and not asked for behind our back; nor does a repository of this host
    // run the command that it names for that.
    GIT_NO_LAZY_FETCH: '1',
    GIT_SSH_VARIANT: 'ssh',
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
        ...presentingEnvironment(options.presented),
        ...connectingEnvironment(options, settings),
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

function presentingEnvironment(presented: Presented | undefined): Record<string, string> {
  if (presented?.kind !== 'password') return {}
  return { FAIRWAY_GIT_USERNAME: presented.username, FAIRWAY_GIT_PASSWORD: presented.password }
}

function connectingEnvironment(
  { wayOut, presented }: GitOptions,
  { home, protocols }: GitSettings,
): Record<string, string> {
  const allowed = protocols.filter((protocol) => wayOut?.protocols.includes(protocol))
  return {
    // The same as protocol.allow=never and these to always. Where there are none it must name one that does not exist.
    GIT_ALLOW_PROTOCOL: allowed.join(':') || 'none',
    GIT_SSH_COMMAND: wayOut?.ssh ? sshCommand(home, wayOut.ssh, presented) : '/bin/false',
    // In the environment: arguments are for all on the host to read, and the proxy's address holds its credential.
    ...(wayOut?.proxy && {
      GIT_CONFIG_COUNT: '2',
      GIT_CONFIG_KEY_0: 'http.proxy',
      GIT_CONFIG_VALUE_0: wayOut.proxy,
      // Else each request is sent without the credential first, and a large one cannot be sent again.
      GIT_CONFIG_KEY_1: 'http.proxyAuthMethod',
      GIT_CONFIG_VALUE_1: 'basic',
    }),
  }
}

/**
 * The host is at the end of the tunnel, and known by its own name; who it is stays written down at its first connection.
 * It is shown the key that the project has for it, or none: not those of root, of an agent, or of a smart card.
 */
function sshCommand(
  home: string,
  { port, hostKeyAlias }: NonNullable<WayOut['ssh']>,
  presented: Presented | undefined,
): string {
  const options = [
    'HostName=127.0.0.1',
    `Port=${port}`,
    `HostKeyAlias=${hostKeyAlias}`,
    'ProxyCommand=none',
    'BatchMode=yes',
    'StrictHostKeyChecking=accept-new',
    `UserKnownHostsFile=${home}/known_hosts`,
    'UpdateHostKeys=no',
    'ConnectTimeout=20',
    `IdentityFile=${presented?.kind === 'ssh-key' ? presented.file : 'none'}`,
    'IdentitiesOnly=yes',
    'IdentityAgent=none',
    'PKCS11Provider=none',
    'PreferredAuthentications=publickey',
    'ForwardAgent=no',
    'ClearAllForwardings=yes',
    'ControlPath=none',
  ]
  return `ssh -F none ${options.map((option) => `-o '${option}'`).join(' ')}`
}

/** What git said when it failed, in one line. */
export function lastGitError(error: ProcessError): string {
  const lines = error.stderr.split(/[\r\n]/).map((line) => line.trim())
  const telling =
    lines.find((line) => /^(fatal|error|ssh|ERROR): /.test(line)) ??
    lines.filter((line) => line && !/\d%|^remote: (Enumerating|Total)/.test(line)).at(-1)
  return (telling ?? error.message).replace(/^(fatal|error): /, '')
}
