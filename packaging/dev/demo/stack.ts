import { spawn } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { once } from 'node:events'
import { existsSync } from 'node:fs'
import { mkdir, readFile, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { createClient } from '@connectrpc/connect'
import { createConnectTransport } from '@connectrpc/connect-node'
import { buildBridge } from '../../../agent/containers/build-network.ts'
import { forgetBridge, reopenHostTo } from '../../../agent/containers/firewall.ts'
import { IdentityService } from '../../../proto/gen/fairway/v1/identity_pb.js'
import { cliProgram } from '../cli-program.ts'
import { run } from '../command.ts'
import { startDaemon } from '../daemon.ts'
import { createBareRepository } from '../git-server.ts'
import { waitFor } from '../wait-for.ts'
import { endProcess, findProcess } from './processes.ts'

const checkout = fileURLToPath(new URL('../../../', import.meta.url))
const node = process.execPath

export interface StackOptions {
  /** Everything of the stack is below it: data, keys, logs, pid files. */
  readonly directory: string
  /** A mounted pool for its agent alone. */
  readonly pool: string
  readonly ports: { api: number; link: number; postgres: number; git: number; proxy: number }
  /** Network that the environments' networks are cut from. */
  readonly subnet: string
  /** More for the server's and the agent's environment. */
  readonly env?: Record<string, string>
}

/**
 * A whole Fairway on this machine: server with its embedded PostgreSQL, one agent, and a git server in GitHub's place.
 * Each is a process of its own that lives on when this one ends; starting what runs already does nothing.
 */
export class Stack {
  readonly options: StackOptions
  readonly server: string
  /** Who uses the command line: `admin`, or a member that admin has added. */
  readonly member: string
  constructor(options: StackOptions, member = 'admin') {
    this.options = options
    this.member = member
    this.server = `http://127.0.0.1:${options.ports.api}`
  }

  path(...parts: string[]): string {
    return join(this.options.directory, ...parts)
  }

  async startServer(): Promise<void> {
    const { ports, env } = this.options
    const running = await this.#start('server', join(checkout, 'packaging/bin/fairway-server'), [], {
      FAIRWAY_DATA_DIR: this.path('server'),
      FAIRWAY_API_PORT: String(ports.api),
      FAIRWAY_LINK_PORT: String(ports.link),
      FAIRWAY_EMBEDDED_POSTGRES_PORT: String(ports.postgres),
      ...env,
    })
    await waitFor(
      async () => {
        await running.requireAlive()
        return (await fetch(`${this.server}/readyz`).catch(() => undefined))?.ok ?? false
      },
      () => `the server is not ready; see ${this.path('server.log')}`,
      { deadlineMs: 90_000 },
    )
  }

  /** Joins with a one-time token the first time, and waits until the server sees the agent. */
  async startAgent(): Promise<void> {
    const program = join(checkout, 'packaging/bin/fairway-agent')
    const env = this.agentEnv()
    if (!existsSync(this.path('agent', 'identity.json'))) {
      const { token } = await this.cliJson<{ token: string }>('host', 'join-token')
      const server = `127.0.0.1:${this.options.ports.link}`
      await run(program, ['join', token, '--server', server, '--name', 'local'], { env })
    }
    const running = await this.#start('agent', program, ['run'], env)
    await waitFor(
      async () => {
        await running.requireAlive()
        const hosts = await this.cliJson<{ status: string }[]>('host', 'list')
        return hosts.some(({ status }) => status === 'online')
      },
      () => `the agent does not come online; see ${this.path('agent.log')}`,
      { deadlineMs: 60_000, everyMs: 200 },
    )
  }

  /** What the git server signs its webhooks with; made once. */
  async webhookSecret(): Promise<string> {
    const file = this.path('webhook-secret')
    if (!existsSync(file)) await writeFile(file, randomBytes(24).toString('hex'), { mode: 0o600 })
    return readFile(file, 'utf8')
  }

  /** A repository `owner/name` on the git server; gives its address. */
  async createRepository(name: string): Promise<string> {
    await createBareRepository(this.path('git'), name)
    return `http://127.0.0.1:${this.options.ports.git}/${name}.git`
  }

  /** Repositories are below `git/`; pushes are reported to the server. */
  async startGitServer(): Promise<string> {
    const { ports } = this.options
    const root = this.path('git')
    await mkdir(root, { recursive: true })
    const main = join(checkout, 'packaging/dev/git-server/main.ts')
    const args = [
      '--root',
      root,
      '--port',
      String(ports.git),
      '--webhook-url',
      `${this.server}/webhooks/github`,
    ]
    const running = await this.#start('git-server', node, [main, ...args], {
      FAIRWAY_WEBHOOK_SECRET: await this.webhookSecret(),
    })
    const url = `http://127.0.0.1:${ports.git}`
    await waitFor(
      async () => {
        await running.requireAlive()
        return (await fetch(url).catch(() => undefined)) !== undefined
      },
      () => `the git server does not answer; see ${this.path('git-server.log')}`,
      { deadlineMs: 30_000 },
    )
    return url
  }

  agentEnv(): Record<string, string> {
    const { pool, ports, subnet, env } = this.options
    return {
      FAIRWAY_AGENT_DIR: this.path('agent'),
      FAIRWAY_POOL: pool,
      FAIRWAY_PROXY: `127.0.0.1:${ports.proxy}`,
      FAIRWAY_SUBNET: subnet,
      // The git server stands in GitHub's place, on loopback.
      FAIRWAY_NETWORK_ALLOW: `127.0.0.1:${ports.git}`,
      ...env,
    }
  }

  /** The same Fairway as another member sees it. Admin adds them the first time, and they log in with their code. */
  async as(member: string, role: string): Promise<Stack> {
    const theirs = new Stack(this.options, member)
    if (!existsSync(theirs.#credentialsFile)) {
      const { code } = await this.cliJson<{ code: string }>('member', 'add', member, '--role', role)
      await theirs.#logIn(code)
    }
    return theirs
  }

  /** Of the member's session; admin's first call logs in with the server's one-time code and keeps them. */
  async credentials(): Promise<{ server: string; token: string }> {
    if (!existsSync(this.#credentialsFile)) {
      await this.#logIn(await readFile(this.path('server', 'admin-code'), 'utf8'))
    }
    return JSON.parse(await readFile(this.#credentialsFile, 'utf8'))
  }

  get #credentialsFile(): string {
    return this.path(this.member === 'admin' ? 'credentials.json' : `credentials-${this.member}.json`)
  }

  async #logIn(code: string): Promise<void> {
    const transport = createConnectTransport({ baseUrl: this.server, httpVersion: '1.1' })
    const { session } = await createClient(IdentityService, transport).loginWithCode({ code, name: 'stack' })
    const credentials = { server: this.server, token: session?.token ?? '' }
    await writeFile(this.#credentialsFile, JSON.stringify(credentials), { mode: 0o600 })
  }

  /** What the command line prints for the member. */
  async cli(...args: string[]): Promise<string> {
    const { server, token } = await this.credentials()
    const env = { FAIRWAY_SERVER: server, FAIRWAY_TOKEN: token }
    return run(node, [cliProgram, ...args], { env })
  }

  /** Lets the command line print to our own terminal; gives its exit code. */
  async show(...args: string[]): Promise<number> {
    const { server, token } = await this.credentials()
    const child = spawn(node, [cliProgram, ...args], {
      env: { ...process.env, FAIRWAY_SERVER: server, FAIRWAY_TOKEN: token },
      stdio: 'inherit',
    })
    const [code] = (await once(child, 'exit')) as [number | null]
    return code ?? 1
  }

  async cliJson<T>(...args: string[]): Promise<T> {
    return JSON.parse(await this.cli(...args, '--json')) as T
  }

  async endProcess(
    name: 'server' | 'agent' | 'git-server',
    signal: NodeJS.Signals = 'SIGTERM',
  ): Promise<void> {
    await endProcess(this.path(`${name}.pid`), signal)
  }

  /** Ends its processes, agent first, so that it can say goodbye. Containers go on. */
  async stop(): Promise<void> {
    for (const name of ['agent', 'git-server', 'server'] as const) await this.endProcess(name)
  }

  /** Containers and networks that its agent made. */
  async removeContainers(): Promise<void> {
    const hostId = await this.#findHostId()
    if (hostId === undefined) return
    const filter = `label=fairway.agent=${hostId}`
    const containers = (await run('docker', ['ps', '--all', '--quiet', '--filter', filter]))
      .split('\n')
      .filter(Boolean)
    if (containers.length > 0) await run('docker', ['rm', '--force', '--volumes', ...containers])
    const networks = (await run('docker', ['network', 'ls', '--quiet', '--filter', filter]))
      .split('\n')
      .filter(Boolean)
    if (networks.length > 0) await run('docker', ['network', 'rm', ...networks])
  }

  /** Its rules in the host's firewall. */
  async removeFirewallRule(): Promise<void> {
    await reopenHostTo(this.options.subnet)
    const hostId = await this.#findHostId()
    if (hostId !== undefined) await forgetBridge(buildBridge(hostId))
  }

  /** Of an agent that has joined. */
  async #findHostId(): Promise<string | undefined> {
    const file = this.path('agent', 'identity.json')
    if (!existsSync(file)) return undefined
    return (JSON.parse(await readFile(file, 'utf8')) as { hostId: string }).hostId
  }

  async removeFiles(): Promise<void> {
    await rm(this.options.directory, { recursive: true, force: true })
  }

  async #start(name: string, program: string, args: string[], env: Record<string, string>) {
    await mkdir(this.options.directory, { recursive: true })
    const pidFile = this.path(`${name}.pid`)
    if (await findProcess(pidFile)) return { requireAlive: async () => undefined }
    const logFile = this.path(`${name}.log`)
    await writeFile(logFile, '', { flag: 'a' })
    return startDaemon({ program, args, env, logFile, pidFile })
  }
}
