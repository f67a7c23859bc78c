import { type ChildProcess, spawn } from 'node:child_process'
import { randomUUID } from 'node:crypto'
import { once } from 'node:events'
import { chmod, mkdir, mkdtemp, readdir, readFile, readlink, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { basename, join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { buildBridge } from '../../agent/containers/build-network.ts'
import { forgetBridge, reopenHostTo } from '../../agent/containers/firewall.ts'
import { buildArtefacts } from '../../packaging/artefacts/build.ts'
import { run } from '../../packaging/dev/command.ts'
import { blocks, createBlockReader, relocate } from '../support/install-page.ts'
import { machinePath } from '../support/machine-path.ts'
import { freePort } from '../support/postgres.ts'
import { type SystemdHost, startSystemdHost } from '../support/systemd.ts'
import { waitFor } from '../support/wait-for.ts'

// docs/install.md, from its first block to its last, in the order of a life: the blocks are run as they are written, with
// the machines' own names for those of the page.

const registry = '127.0.0.1:5000'
const subnet = '10.239.0.0/16'
const patienceMs = 600_000
const network = `fairway-test-install-${randomUUID().slice(0, 8)}`
const postgres = `${network}-postgres`
const caddy = `${network}-caddy`

let root: string
let artefacts: string
let server: SystemdHost
let serverAddress: string
let page: ReturnType<typeof createBlockReader>
let agent: ChildProcess | undefined
/** Of the host that joined. */
let hostId: string | undefined

const addressOf = async (container: string) => {
  const format = '{{range .NetworkSettings.Networks}}{{.IPAddress}}{{end}}'
  return (await run('docker', ['inspect', '--format', format, container])).trim()
}
/** As the page's reader does, in the folder with the artefacts; on a machine whose root keeps all to itself. */
const onServer = (name: string) => server.sh(`set -e; umask 077; cd /artefacts; ${page.block(name)}`)
const inPostgres = (name: string) => run('docker', ['exec', postgres, 'sh', '-ec', page.block(name)])

const agentEnv = async () => ({
  PATH: `${root}/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin`,
  FAIRWAY_AGENT_DIR: join(root, 'var/lib/fairway/agent'),
  FAIRWAY_POOL: join(root, 'var/lib/fairway/pool'),
  FAIRWAY_PROXY: `127.0.0.1:${await freePort()}`,
  FAIRWAY_SUBNET: subnet,
  FAIRWAY_REGISTRY: registry,
})
/** With what `agent.env` and the unit would set: this machine has agents of others. */
const onHost = async (text: string) => {
  const script = ['sh', '-ec', relocate(text, root)]
  return await run('env', ['--ignore-environment', ...words(await agentEnv()), ...script], { cwd: artefacts })
}

const serverIsReady = () =>
  waitFor(
    'the server',
    async () => (await server.sh('journalctl -u fairway-server --no-pager -o cat')).includes('server ready'),
    120_000,
  ).catch(async (error: unknown) => {
    throw new Error(await server.sh('journalctl -u fairway-server --no-pager -o cat | cut -c1-500'), {
      cause: error,
    })
  })

beforeAll(async () => {
  root = await mkdtemp(join(tmpdir(), 'fairway-install-'))
  await chmod(root, 0o755)
  for (const place of ['opt', 'etc', 'usr/local/bin', 'var/lib/fairway'])
    await mkdir(join(root, place), { recursive: true })
  artefacts = join(root, 'artefacts')
  await run('docker', ['network', 'create', network])
  const image = `${registry}/fairway/postgres:18`
  const options = ['--detach', '--name', postgres, '--network', network, '--env', 'POSTGRES_PASSWORD=test']
  await run('docker', ['run', ...options, image])
  const [commandLine] = await buildArtefacts(['cli', 'agent', 'server'], artefacts)
  server = await startSystemdHost({ mounts: [`${artefacts}:/artefacts:ro`], network })
  serverAddress = await addressOf(server.name)
  const database = await addressOf(postgres)
  page = createBlockReader({
    '@127.0.0.1/fairway': `@${database}/fairway`,
    'fairway.example': serverAddress,
    'registry.example': registry,
    // It may be -dirty here.
    'fairway-cli-0.1.0.tgz': basename(commandLine!.path),
  })
}, patienceMs)

afterAll(async () => {
  if (agent && agent.exitCode === null) {
    agent.kill('SIGKILL')
    await once(agent, 'exit')
  }
  await run('docker', ['rm', '--force', '--volumes', caddy, postgres])
  await reopenHostTo(subnet)
  if (hostId) {
    const own = ['ps', '--all', '--quiet', '--filter', `label=fairway.agent=${hostId}`]
    const containers = (await run('docker', own)).split('\n').filter(Boolean)
    if (containers.length > 0) await run('docker', ['rm', '--force', '--volumes', ...containers])
    await forgetBridge(buildBridge(hostId))
  }
  await server?.[Symbol.asyncDispose]()
  await run('docker', ['network', 'rm', network])
  await run('sh', ['-c', `umount '${root}/var/lib/fairway/pool' 2>/dev/null || true`])
  await rm(root, { recursive: true, force: true })
}, 120_000)

test(
  'the server is unpacked, set and started, and its owner logs in',
  async () => {
    expect(await server.sh('command -v node npm git || echo none')).toBe('none\n')
    await waitFor('PostgreSQL', () =>
      run('docker', ['exec', postgres, 'pg_isready', '--quiet', '--host', '127.0.0.1']).then(
        () => true,
        () => false,
      ),
    )
    await inPostgres('postgresql')
    for (const name of ['server-unpack', 'server-settings', 'server-start']) await onServer(name)
    await serverIsReady()
    expect(await server.sh('stat -c %a /etc/fairway/server.env')).toBe('600\n')
    const said = await onServer('first-login')
    expect(said).toContain('Logged in to http://127.0.0.1:7080 as admin (owner)')
  },
  patienceMs,
)

test(
  'a host is unpacked, joins, and is shown online',
  async () => {
    await onHost(page.block('agent-unpack'))
    await onHost(page.block('agent-settings'))
    const env = await agentEnv()
    await onHost(page.block('agent-pool'))
    const join = (await onServer('join-token')).trim()
    expect(join).toMatch(new RegExp(`^fairway-agent join --server ${serverAddress}:7443 --token \\S+$`))
    await run('env', ['--ignore-environment', ...words(env), 'sh', '-ec', `${join} --name one`])
    const identity = await readFile(`${root}/var/lib/fairway/agent/identity.json`, 'utf8')
    hostId = (JSON.parse(identity) as { hostId: string }).hostId
    const unit = await run('cat', [`${root}/opt/fairway-agent/systemd/fairway-agent.service`])
    const start = /^ExecStart=(.*)$/m.exec(unit)?.[1] ?? ''
    const program = ['--ignore-environment', ...words(env), ...relocate(start, root).split(' ')]
    agent = spawn('env', program, { stdio: ['ignore', 'ignore', 'pipe'], cwd: '/' })
    let log = ''
    agent.stderr?.on('data', (chunk) => {
      log += chunk
    })
    await waitFor('the host to be online', () => isOnline(), 60_000).catch((error: unknown) => {
      throw new Error(`the agent does not come online:\n${log.slice(-4000)}`, { cause: error })
    })
    expect(await readlink(`/proc/${agent.pid}/exe`)).toContain(`${root}/opt/`)
  },
  patienceMs,
)

const words = (env: Record<string, string>) => Object.entries(env).map(([name, value]) => `${name}=${value}`)

async function isOnline(): Promise<boolean> {
  const hosts = JSON.parse(await server.sh('fairway host list --json')) as { name: string; status: string }[]
  return hosts.some(({ name, status }) => name === 'one' && status === 'online')
}

test(
  'the API is reached by https, with the command line that npm installs',
  async () => {
    const certificates = join(root, 'certificates')
    await mkdir(certificates)
    const subject = ['-subj', '/CN=fairway', '-addext', `subjectAltName=IP:${serverAddress}`]
    const files = ['-keyout', `${certificates}/fairway.key`, '-out', `${certificates}/fairway.crt`]
    await run('openssl', [
      'req',
      '-x509',
      '-newkey',
      'rsa:2048',
      '-nodes',
      '-days',
      '1',
      ...subject,
      ...files,
    ])
    await chmod(`${certificates}/fairway.key`, 0o644)
    await writeFile(`${certificates}/Caddyfile`, page.block('api-own-certificate'))
    await writeFile(`${certificates}/other`, `${page.block('api')}\n${page.block('environments')}\n`)
    const options = ['--network', `container:${server.name}`, '--volume', `${certificates}:/etc/caddy:ro`]
    const image = `${registry}/fairway/proxy:2`
    const configuration = ['--adapter', 'caddyfile', '--config']
    await run('docker', [
      'run',
      '--rm',
      ...options,
      image,
      'caddy',
      'adapt',
      ...configuration,
      '/etc/caddy/other',
    ])
    const serve = ['caddy', 'run', ...configuration, '/etc/caddy/Caddyfile']
    await run('docker', ['run', '--detach', '--name', caddy, ...options, image, ...serve])

    const prefix = join(root, 'npm')
    const env = {
      PATH: `${prefix}/bin:${machinePath()}`,
      HOME: root,
      npm_config_prefix: prefix,
      npm_config_offline: 'true',
      NODE_EXTRA_CA_CERTS: `${certificates}/fairway.crt`,
    }
    await run('sh', ['-ec', page.block('command-line')], { cwd: artefacts, env })
    const invited = await server.sh('fairway member add ana@example.com --role developer --json')
    const { code } = JSON.parse(invited) as { code: string }
    const login = ['login', '--server', `https://${serverAddress}`, '--code', code]
    const said = await waitFor('Caddy', () =>
      run('fairway', login, { env, cwd: root }).catch(() => false as const),
    )
    expect(said).toContain('as ana@example.com (developer)')
    await expect(
      run('fairway', ['whoami'], { env: { ...env, NODE_EXTRA_CA_CERTS: '' }, cwd: root }),
    ).rejects.toThrow(/cannot be reached.*certificate/is)
  },
  patienceMs,
)

test(
  'images are built and pushed by the artefact',
  async () => {
    await run('tar', ['-xzf', join(artefacts, await nameOf('server')), '-C', join(root, 'opt')])
    const bin = join(root, 'usr/local/bin/fairway-server')
    await run('sh', ['-c', `ln -sf '${root}'/opt/fairway-server-*/bin/fairway-server '${bin}'`])
    const place = `${registry}/test-install`
    const languages = process.env.FAIRWAY_ODOO_LANGUAGES ?? 'fr'
    // Those that the set-up has built already: without these translations Odoo would be built once more.
    const text = page
      .block('images')
      .replaceAll(`--registry ${registry}`, `--registry ${place}`)
      .replace('images build', `images build --languages ${languages}`)
    const said = await run('sh', ['-ec', text], { env: { PATH: (await agentEnv()).PATH } })
    for (const tag of ['odoo:19.0', 'postgres:18', 'proxy:2'])
      expect(said).toMatch(
        new RegExp(`${place}/fairway/${tag}\\n  ${place}/fairway/\\w+@sha256:[0-9a-f]{64}`),
      )
    expect(said).toContain(`FAIRWAY_REGISTRY=${place}`)
    const tags = said.match(/^\S+test-install\S+:[\d.]+$/gm) ?? []
    await run('docker', ['image', 'rm', ...new Set(tags)])
  },
  patienceMs,
)

const nameOf = async (part: string) =>
  (await readdir(artefacts)).find((name) => name.startsWith(`fairway-${part}-`)) ?? ''

test(
  'an upgrade keeps logins and hosts',
  async () => {
    await server.sh('journalctl --rotate --vacuum-time=1s')
    await onServer('server-upgrade')
    await serverIsReady()
    expect(await server.sh('fairway whoami')).toContain('admin (owner)')
    await waitFor('the agent to come back', () => isOnline(), 60_000)
    agent?.kill('SIGTERM')
    await once(agent!, 'exit')
    await onHost(page.block('agent-upgrade'))
  },
  patienceMs,
)

// As it is typed: in a shell that goes on after what fails.
const asTyped = (name: string) => server.sh(page.block(name))
const typedInPostgres = (name: string) => run('docker', ['exec', postgres, 'sh', '-c', page.block(name)])
const inDatabase = (query: string) =>
  run('docker', ['exec', postgres, 'psql', '-U', 'postgres', '-Atc', query])
const databases = "select count(*) from pg_database where datname = 'fairway'"

test(
  'what cannot be uninstalled yet is not taken apart',
  async () => {
    const user = 'fairway-server'
    const beside = `setpriv --reuid ${user} --regid ${user} --clear-groups sleep infinity`
    await server.sh(`${beside} >/dev/null 2>&1 & echo $! >/run/beside`)
    const owner = () => server.sh('stat --format %U /proc/$(cat /run/beside)')
    await waitFor('something else that its user runs', async () => (await owner()).trim() === user)
    await expect(asTyped('server-uninstall')).rejects.toThrow(/fairway-server is currently used by process/)

    await inDatabase('alter database fairway allow_connections false')
    await expect(typedInPostgres('postgresql-uninstall')).rejects.toThrow(
      /not currently accepting connections/,
    )
    expect(await inDatabase(databases)).toBe('1\n')
    await inDatabase('alter database fairway allow_connections true')

    const kept =
      '/var/lib/fairway/server/master.key /etc/fairway/server.env /etc/systemd/system/fairway-server.service'
    await server.sh(`set -e; ls ${kept}; kill $(cat /run/beside); rm /run/beside`)
    await server.sh('journalctl --rotate --vacuum-time=1s; systemctl enable --now fairway-server')
    await serverIsReady()
  },
  patienceMs,
)

test(
  'nothing is left where it is uninstalled',
  async () => {
    await onServer('host-revoke')
    await onHost(page.block('agent-uninstall'))
    for (const place of ['opt', 'etc/fairway', 'var/lib/fairway']) {
      // The server's artefact was unpacked here for the images.
      const left = (await readdir(join(root, place))).filter((name) => !name.startsWith('fairway-server-'))
      expect(left, place).toEqual([])
    }
    await asTyped('server-uninstall')
    const left =
      'find / -xdev -iname "*fairway*" -not -path "/proc/*" -not -path "/artefacts*" -not -path "/sys/*"'
    const remains = (await server.sh(`${left} -not -path "/var/log/*" -not -path "/root/*"`)).split('\n')
    expect(remains.filter(Boolean)).toEqual(['/etc/fairway', '/var/lib/fairway'])
    await run('docker', ['rm', '--force', caddy])
    await typedInPostgres('postgresql-uninstall')
    expect(await inDatabase(databases)).toBe('0\n')
    expect(await inDatabase("select count(*) from pg_roles where rolname like 'fairway%'")).toBe('0\n')
  },
  patienceMs,
)

test('every block of the page is run, but for those that it names', () => {
  const notRun = ['postgresql-package', 'agent-packages', 'agent-start', 'first-project']
  expect([...blocks.keys()].filter((name) => !page.read.has(name)).toSorted()).toEqual(notRun.toSorted())
})
