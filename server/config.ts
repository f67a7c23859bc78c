import { z } from 'zod'
import { warningsOf } from './config-warnings.ts'
import { isAddressOrNetwork, isLoopback } from './network/addresses.ts'
import { findDomainFault } from './network/domains.ts'
import { hostOfWorkflows } from './network/workflow-host.ts'

const port = z.coerce.number().int().min(0).max(65_535)
const list = z.string().transform((text) =>
  text
    .split(',')
    .map((item) => item.trim())
    .filter(Boolean),
)

const hostname = z
  .string()
  .toLowerCase()
  .regex(
    /^(?=.{1,190}$)[a-z0-9]([a-z0-9-]*[a-z0-9])?(\.[a-z0-9]([a-z0-9-]*[a-z0-9])?)*$/,
    'must be a host name',
  )

/** Both resolve to this machine in browsers and curl, and are two sites to them. */
const localDomains = { domain: 'fairway.localhost', previewDomain: 'fairway-preview.localhost' }

/** Its keys decide who gets in, so nobody on the way may exchange them. */
const issuer = z.url({ protocol: /^https?$/ }).refine(
  (text) => {
    const url = URL.parse(text)
    return url?.protocol === 'https:' || isLoopback(url?.hostname ?? '')
  },
  { message: 'must be an https address (http on this machine only)' },
)

const schema = z
  .object({
    /** Embedded PostgreSQL, blobs, keys. */
    FAIRWAY_DATA_DIR: z.string().min(1).default('/var/lib/fairway/server'),
    /** Owner's URL of a PostgreSQL 15 or newer; without it an embedded one is started. */
    DATABASE_URL: z.url({ protocol: /^postgres(ql)?$/ }).optional(),
    /** A pooler in transaction mode before DATABASE_URL; migrations and the LISTEN connection go past it. */
    DATABASE_POOL_URL: z.url({ protocol: /^postgres(ql)?$/ }).optional(),
    FAIRWAY_EMBEDDED_POSTGRES_PORT: port.default(5433),
    /** Address of both ports, where they have none of their own. */
    FAIRWAY_LISTEN: z.string().min(1).default('127.0.0.1'),
    /** Plain HTTP: beyond this machine for a TLS proxy alone. */
    FAIRWAY_API_LISTEN: z.string().min(1).optional(),
    /** TLS of its own, with client certificates: agents dial it as it is. */
    FAIRWAY_LINK_LISTEN: z.string().min(1).optional(),
    /** TLS proxies on other machines: addresses and networks, comma separated. They, and nobody else, reach the API. */
    FAIRWAY_TRUSTED_PROXIES: list
      .refine(
        (entries) => entries.every(isAddressOrNetwork),
        'must be addresses and networks like 10.0.0.0/24',
      )
      .default([]),
    /** Logins and tokens may go over the network in the clear. */
    FAIRWAY_INSECURE_HTTP: z.enum(['0', '1']).default('0'),
    FAIRWAY_API_PORT: port.default(7080),
    FAIRWAY_LINK_PORT: port.default(7443),
    /** Where people and GitHub reach the API. */
    FAIRWAY_PUBLIC_URL: z.url({ protocol: /^https?$/ }).optional(),
    /** What agents dial, all servers, host:port, comma separated. */
    FAIRWAY_LINK_ADDRESSES: list.optional(),
    FAIRWAY_ORGANIZATION: z
      .string()
      .regex(/^[a-z][a-z0-9-]{0,39}$/)
      .default('default'),
    /** Production answers at <project>.<domain>:<port>. */
    FAIRWAY_DOMAIN: hostname.optional(),
    /** All else at <environment>.<project>.<preview domain>:<port>; another site than production's to browsers. */
    FAIRWAY_PREVIEW_DOMAIN: hostname.optional(),
    FAIRWAY_PUBLIC_SCHEME: z.enum(['http', 'https']).default('http'),
    FAIRWAY_REGISTRY: z.string().default('127.0.0.1:5000'),
    FAIRWAY_POSTGRES_IMAGE: z.string().optional(),
    FAIRWAY_ODOO_IMAGE: z.string().optional(),
    /** 32 bytes in base64; or a file that holds, or a command that prints them; default: made in the data directory. */
    FAIRWAY_MASTER_KEY: z.base64().optional(),
    FAIRWAY_MASTER_KEY_FILE: z.string().optional(),
    FAIRWAY_MASTER_KEY_COMMAND: z.string().min(1).optional(),
    /** OpenID provider that people log in with; its client is a public one with the device authorization grant. */
    FAIRWAY_OIDC_ISSUER: issuer.optional(),
    FAIRWAY_OIDC_CLIENT_ID: z.string().min(1).optional(),
    /** Who signs the tokens of workflows; a GitHub Enterprise server has its own. */
    FAIRWAY_WORKFLOW_ISSUER: issuer.default('https://token.actions.githubusercontent.com'),
    /** The git host whose repositories that issuer speaks for; default: by the issuer, github.com for GitHub's. */
    FAIRWAY_WORKFLOW_HOST: hostname.optional(),
    /** Name of a member for whom each start makes a one-time code: the way back in where no two owners are left. */
    FAIRWAY_OWNER_CODE: z.string().min(1).optional(),
    FAIRWAY_BUILD_TIMEOUT_MINUTES: z.coerce.number().int().min(1).max(600).default(90),
    /** Under way at one time, beside those of production. */
    FAIRWAY_RUNS_PER_PROJECT: z.coerce.number().int().min(1).max(100).default(3),
    /** How many times more memory may be promised to what is not production than a host has. */
    FAIRWAY_MEMORY_OVERCOMMIT: z.coerce.number().min(1).max(20).default(3),
    FAIRWAY_BRANCH_GRACE_MINUTES: z.coerce.number().min(0).max(43_200).default(60),
    FAIRWAY_STAGING_GRACE_MINUTES: z.coerce.number().min(0).max(129_600).default(10_080),
    FAIRWAY_LOG_LEVEL: z.enum(['trace', 'debug', 'info', 'warn', 'error', 'silent']).default('info'),
  })
  .refine((env) => !env.DATABASE_POOL_URL || env.DATABASE_URL, {
    path: ['DATABASE_URL'],
    message: 'DATABASE_POOL_URL needs it beside: migrations and LISTEN go past the pooler',
  })
  .refine(
    (env) =>
      [env.FAIRWAY_MASTER_KEY, env.FAIRWAY_MASTER_KEY_FILE, env.FAIRWAY_MASTER_KEY_COMMAND].filter(Boolean)
        .length < 2,
    {
      path: ['FAIRWAY_MASTER_KEY_COMMAND'],
      message:
        'only one of FAIRWAY_MASTER_KEY, FAIRWAY_MASTER_KEY_FILE and FAIRWAY_MASTER_KEY_COMMAND is given',
    },
  )
  .refine((env) => !env.FAIRWAY_OIDC_ISSUER === !env.FAIRWAY_OIDC_CLIENT_ID, {
    path: ['FAIRWAY_OIDC_CLIENT_ID'],
    message: 'FAIRWAY_OIDC_ISSUER and FAIRWAY_OIDC_CLIENT_ID are given together or not at all',
  })
  .superRefine((env, context) => {
    const fault = (path: string, message: string) =>
      context.addIssue({ code: 'custom', path: [path], message })
    if (env.FAIRWAY_INSECURE_HTTP === '1') return
    const listen = env.FAIRWAY_API_LISTEN ?? env.FAIRWAY_LISTEN
    if (!isLoopback(listen) && env.FAIRWAY_TRUSTED_PROXIES.length === 0)
      fault(
        env.FAIRWAY_API_LISTEN ? 'FAIRWAY_API_LISTEN' : 'FAIRWAY_LISTEN',
        `at ${listen} the API would speak plain HTTP beyond this machine. Let it listen on 127.0.0.1 behind a TLS proxy ` +
          '(FAIRWAY_API_LISTEN=127.0.0.1; FAIRWAY_LINK_LISTEN is for agents), or name a proxy on another machine in ' +
          'FAIRWAY_TRUSTED_PROXIES. FAIRWAY_INSECURE_HTTP=1 allows it all the same',
      )
    const url = URL.parse(env.FAIRWAY_PUBLIC_URL ?? '')
    if (url?.protocol === 'http:' && !isLoopback(url.hostname))
      fault(
        'FAIRWAY_PUBLIC_URL',
        `at ${url.origin} people would send codes and tokens in the clear. Give the https address of the TLS proxy; ` +
          'FAIRWAY_INSECURE_HTTP=1 allows it all the same',
      )
  })
  .superRefine((env, context) => {
    if (env.FAIRWAY_PREVIEW_DOMAIN === undefined) return
    const production = env.FAIRWAY_DOMAIN ?? localDomains.domain
    const message = findDomainFault(production, env.FAIRWAY_PREVIEW_DOMAIN)
    if (message) context.addIssue({ code: 'custom', path: ['FAIRWAY_PREVIEW_DOMAIN'], message })
  })

/** Everything the server is told from outside, read once and frozen. Never logged whole: it may hold the master key. */
export interface Config {
  readonly dataDir: string
  readonly databaseUrl?: string
  readonly databasePoolUrl?: string
  readonly embeddedPostgresPort: number
  readonly apiListen: string
  readonly linkListen: string
  /** Besides this machine, who may speak HTTP to the API, and is believed about whom it speaks for. */
  readonly trustedProxies: readonly string[]
  /** Anybody may speak plain HTTP to the API. */
  readonly insecureHttp: boolean
  readonly apiPort: number
  readonly linkPort: number
  readonly publicUrl: string
  readonly linkAddresses: readonly string[]
  readonly organization: string
  readonly domain: string
  /** The same as `domain` where none was given beside it: previews are then of one site with production. */
  readonly previewDomain: string
  readonly publicScheme: 'http' | 'https'
  readonly registry: string
  readonly postgresImage: string
  readonly odooImage: string
  readonly masterKey?: string
  readonly masterKeyFile: string
  readonly masterKeyCommand?: string
  readonly oidc?: { readonly issuer: string; readonly clientId: string }
  readonly workflowIssuer: string
  readonly workflowHost: string
  readonly ownerCodeFor?: string
  readonly buildTimeoutMs: number
  readonly runsPerProject: number
  /** Of what is not production: see server/capacity/memory.ts. */
  readonly memoryOvercommit: number
  /** How long the environment of a deleted branch stays; production's stays for ever. */
  readonly branchGraceMs: number
  readonly stagingGraceMs: number
  readonly logLevel: string
  /** What is allowed and had better not be, for people. */
  readonly warnings: readonly string[]
}

/** Reads the environment once and reports every fault in it, not only the first. */
export function parseConfig(environment: Record<string, string | undefined>): Config {
  const parsed = schema.safeParse(environment)
  if (!parsed.success) {
    const faults = parsed.error.issues.map((issue) => `  ${issue.path.join('.')}: ${issue.message}`)
    throw new Error(`The server's configuration is wrong:\n${faults.join('\n')}`)
  }
  const env = parsed.data
  const config = {
    dataDir: env.FAIRWAY_DATA_DIR,
    databaseUrl: env.DATABASE_URL,
    databasePoolUrl: env.DATABASE_POOL_URL,
    embeddedPostgresPort: env.FAIRWAY_EMBEDDED_POSTGRES_PORT,
    apiListen: env.FAIRWAY_API_LISTEN ?? env.FAIRWAY_LISTEN,
    linkListen: env.FAIRWAY_LINK_LISTEN ?? env.FAIRWAY_LISTEN,
    trustedProxies: env.FAIRWAY_TRUSTED_PROXIES,
    insecureHttp: env.FAIRWAY_INSECURE_HTTP === '1',
    apiPort: env.FAIRWAY_API_PORT,
    linkPort: env.FAIRWAY_LINK_PORT,
    publicUrl: env.FAIRWAY_PUBLIC_URL ?? `http://127.0.0.1:${env.FAIRWAY_API_PORT}`,
    linkAddresses: env.FAIRWAY_LINK_ADDRESSES ?? [`127.0.0.1:${env.FAIRWAY_LINK_PORT}`],
    organization: env.FAIRWAY_ORGANIZATION,
    domain: env.FAIRWAY_DOMAIN ?? localDomains.domain,
    previewDomain: env.FAIRWAY_PREVIEW_DOMAIN ?? env.FAIRWAY_DOMAIN ?? localDomains.previewDomain,
    publicScheme: env.FAIRWAY_PUBLIC_SCHEME,
    registry: env.FAIRWAY_REGISTRY,
    postgresImage: env.FAIRWAY_POSTGRES_IMAGE ?? `${env.FAIRWAY_REGISTRY}/fairway/postgres:18`,
    odooImage: env.FAIRWAY_ODOO_IMAGE ?? `${env.FAIRWAY_REGISTRY}/fairway/odoo:19.0`,
    masterKey: env.FAIRWAY_MASTER_KEY,
    masterKeyCommand: env.FAIRWAY_MASTER_KEY_COMMAND,
    masterKeyFile: env.FAIRWAY_MASTER_KEY_FILE ?? `${env.FAIRWAY_DATA_DIR}/master.key`,
    oidc:
      env.FAIRWAY_OIDC_ISSUER && env.FAIRWAY_OIDC_CLIENT_ID
        ? { issuer: env.FAIRWAY_OIDC_ISSUER, clientId: env.FAIRWAY_OIDC_CLIENT_ID }
        : undefined,
    workflowIssuer: env.FAIRWAY_WORKFLOW_ISSUER,
    workflowHost: env.FAIRWAY_WORKFLOW_HOST ?? hostOfWorkflows(env.FAIRWAY_WORKFLOW_ISSUER),
    ownerCodeFor: env.FAIRWAY_OWNER_CODE,
    buildTimeoutMs: env.FAIRWAY_BUILD_TIMEOUT_MINUTES * 60_000,
    runsPerProject: env.FAIRWAY_RUNS_PER_PROJECT,
    memoryOvercommit: env.FAIRWAY_MEMORY_OVERCOMMIT,
    branchGraceMs: env.FAIRWAY_BRANCH_GRACE_MINUTES * 60_000,
    stagingGraceMs: env.FAIRWAY_STAGING_GRACE_MINUTES * 60_000,
    logLevel: env.FAIRWAY_LOG_LEVEL,
  }
  return Object.freeze({ ...config, warnings: warningsOf(config) })
}
