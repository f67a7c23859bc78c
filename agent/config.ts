import { isAbsolute, normalize } from 'node:path'
import { z } from 'zod'
import { type AllowEntry, parseAllowEntry } from './egress/allow-list.ts'
import { createUpstream, type Upstream } from './egress/upstream.ts'

const schema = z.object({
  /** Identity and journal. */
  FAIRWAY_AGENT_DIR: z.string().min(1).default('/var/lib/fairway/agent'),
  /** Mount point of the storage pool: cells and snapshots. */
  FAIRWAY_POOL: z.string().min(1).default('/var/lib/fairway/pool'),
  FAIRWAY_POOL_NAME: z
    .string()
    .regex(/^[a-z][a-z0-9-]{0,39}$/)
    .default('default'),
  /** Where the proxy answers for the environments on this host, address:port. */
  FAIRWAY_PROXY: z
    .string()
    .regex(/^[^:]+:\d{1,5}$/, 'must be address:port')
    .default('127.0.0.1:8080'),
  /** Networks of environments are cut from this one. */
  FAIRWAY_SUBNET: z.cidrv4().default('10.213.0.0/16'),
  FAIRWAY_REGISTRY: z.string().default('127.0.0.1:5000'),
  FAIRWAY_PROXY_IMAGE: z.string().optional(),
  /**
   * What git and builds may reach though it is not public: host, host:port, *.host, address, address:port or range,
   * comma separated. Only here can the host itself and its link be opened.
   */
  FAIRWAY_NETWORK_ALLOW: z.string().optional().transform(toAllowEntries),
  /** Folders below which projects' repositories may be read by their paths, comma separated; none: nowhere. */
  FAIRWAY_GIT_ROOTS: z.string().optional().transform(toFolders),
  /** Instead of the servers' addresses learnt at enrolment: host:port, comma separated. */
  FAIRWAY_SERVERS: z.string().optional(),
  DOCKER_HOST: z.string().startsWith('unix:///', 'only a local socket will do: unix:///…').optional(),
  /** Was offered to every host that any project named. */
  FAIRWAY_GIT_SSH_KEY_FILE: z
    .undefined(
      'is not read any more, since every project could use it: `fairway credential set <project> git <host> --ssh-key FILE`',
    )
    .optional(),
  /** The proxy that git's connections over http and https go through, by CONNECT; https_proxy before http_proxy. */
  http_proxy: z.string().optional().superRefine(requireProxy),
  https_proxy: z.string().optional().superRefine(requireProxy),
  no_proxy: z.string().optional(),
  /** Passed on to git, and to nothing else. */
  GIT_SSL_CAINFO: z.string().optional(),
  FAIRWAY_SHUTDOWN_GRACE_SECONDS: z.coerce.number().min(0).max(600).default(10),
  FAIRWAY_BASE_IDLE_SECONDS: z.coerce.number().min(0).max(86_400).default(0),
  FAIRWAY_SPOOL_MEBIBYTES: z.coerce.number().int().min(1).max(65_536).default(256),
  FAIRWAY_LOG_LEVEL: z.enum(['trace', 'debug', 'info', 'warn', 'error', 'silent']).default('info'),
})

/** Everything the agent is told from outside, read once and frozen. */
export interface AgentConfig {
  readonly directory: string
  readonly poolDirectory: string
  readonly poolName: string
  readonly proxyAddress: string
  readonly proxyPort: number
  readonly subnet: string
  readonly registry: string
  readonly proxyImage: string
  /** Of addresses that are not public, those that git and builds of all projects may reach. */
  readonly networkAllow: readonly AllowEntry[]
  /** Absolute, without a slash at the end. */
  readonly gitRoots: readonly string[]
  /** Empty: those learnt at enrolment. */
  readonly servers: readonly string[]
  readonly dockerSocket: string
  /** Through which git connects over http and https. */
  readonly upstream?: Upstream
  /** Certificate authorities for git. */
  readonly gitEnvironment: Readonly<Record<string, string>>
  /** How long running tasks may still work after SIGTERM. */
  readonly shutdownGraceMs: number
  /** How long the host must have had nothing to do before it makes bases; 0: it makes none. */
  readonly baseIdleMs: number
  /** Of unacknowledged log lines, for each stream. */
  readonly spoolLimitBytes: number
  readonly logLevel: string
}

/** Reads the environment once and reports every fault in it, not only the first. */
export function parseConfig(environment: Record<string, string | undefined>): AgentConfig {
  const parsed = schema.safeParse(environment)
  if (!parsed.success) {
    const faults = parsed.error.issues.map((issue) => `  ${issue.path.join('.')}: ${issue.message}`)
    throw new Error(`The agent's configuration is wrong:\n${faults.join('\n')}`)
  }
  const env = parsed.data
  const colon = env.FAIRWAY_PROXY.lastIndexOf(':')
  return Object.freeze({
    directory: env.FAIRWAY_AGENT_DIR,
    poolDirectory: env.FAIRWAY_POOL,
    poolName: env.FAIRWAY_POOL_NAME,
    proxyAddress: env.FAIRWAY_PROXY.slice(0, colon),
    proxyPort: Number(env.FAIRWAY_PROXY.slice(colon + 1)),
    subnet: env.FAIRWAY_SUBNET,
    registry: env.FAIRWAY_REGISTRY,
    proxyImage: env.FAIRWAY_PROXY_IMAGE ?? `${env.FAIRWAY_REGISTRY}/fairway/proxy:2`,
    networkAllow: Object.freeze(env.FAIRWAY_NETWORK_ALLOW),
    gitRoots: Object.freeze(env.FAIRWAY_GIT_ROOTS),
    servers: Object.freeze(listItems(env.FAIRWAY_SERVERS)),
    dockerSocket: env.DOCKER_HOST?.slice('unix://'.length) ?? '/var/run/docker.sock',
    upstream: upstreamOf(env),
    gitEnvironment: Object.freeze({ ...(env.GIT_SSL_CAINFO && { GIT_SSL_CAINFO: env.GIT_SSL_CAINFO }) }),
    shutdownGraceMs: env.FAIRWAY_SHUTDOWN_GRACE_SECONDS * 1_000,
    baseIdleMs: env.FAIRWAY_BASE_IDLE_SECONDS * 1_000,
    spoolLimitBytes: env.FAIRWAY_SPOOL_MEBIBYTES * 1_048_576,
    logLevel: env.FAIRWAY_LOG_LEVEL,
  })
}

function upstreamOf({ http_proxy, https_proxy, no_proxy }: z.infer<typeof schema>): Upstream | undefined {
  const proxy = https_proxy || http_proxy
  return proxy ? createUpstream(proxy, no_proxy) : undefined
}

function listItems(text = ''): string[] {
  return text
    .split(',')
    .map((item) => item.trim())
    .filter(Boolean)
}

function requireProxy(text: string | undefined, context: z.RefinementCtx): void {
  try {
    if (text) createUpstream(text)
  } catch (error) {
    context.addIssue({ code: 'custom', message: (error as Error).message })
  }
}

function toAllowEntries(text: string | undefined, context: z.RefinementCtx): AllowEntry[] {
  return listItems(text).flatMap((item) => {
    try {
      return [parseAllowEntry(item)]
    } catch (error) {
      context.addIssue({ code: 'custom', message: (error as Error).message })
      return []
    }
  })
}

/** A folder of the system, or all of it, is no place where repositories are. */
const noFolders = new Set(['/', '/etc', '/proc', '/sys', '/dev', '/run', '/tmp', '/var/tmp'])

function toFolders(text: string | undefined, context: z.RefinementCtx): string[] {
  return listItems(text).map((item) => {
    const folder = normalize(item).replace(/\/$/, '') || '/'
    const fault = !isAbsolute(item)
      ? 'is no absolute path'
      : noFolders.has(folder)
        ? 'is no folder of repositories: name the one that holds them, such as /srv/git'
        : undefined
    if (fault) context.addIssue({ code: 'custom', message: `${item} ${fault}` })
    return folder
  })
}
