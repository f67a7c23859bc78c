import { execFile } from 'node:child_process'
import { readFile } from 'node:fs/promises'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { type SystemdHost, startSystemdHost } from '../support/systemd.ts'
import { waitFor } from '../support/wait-for.ts'

// The units as a host runs them: what they forbid must not be what the server does.

const run = promisify(execFile)
const unit = (name: string) => fileURLToPath(new URL(`../../packaging/systemd/${name}`, import.meta.url))

let host: SystemdHost
beforeAll(async () => {
  host = await startSystemdHost()
  await host.sh(`
    mkdir -p /etc/sysusers.d
    cp /opt/fairway/packaging/systemd/fairway.sysusers /etc/sysusers.d/fairway.conf
    cp /opt/fairway/packaging/systemd/*.service /etc/systemd/system/
    systemd-sysusers
    systemctl daemon-reload`)
}, 240_000)
afterAll(() => host?.[Symbol.asyncDispose](), 60_000)

// As docs/operations.md says: 0 is no exposure, 10 is all of it. The tool counts in tenths.
test.each([
  ['fairway-server.service', 15],
  ['fairway-agent.service', 65],
])('%s is as closed as the documentation says', async (name, tenths) => {
  const judge = (most: number) =>
    host.sh(
      `systemd-analyze security --offline=true --no-pager --threshold=${most} /opt/fairway/packaging/systemd/${name}`,
    )
  expect(await judge(tenths)).toContain('Overall exposure level')
  // It does fail where a unit is more exposed.
  await expect(judge(5)).rejects.toThrow()
})

test('the server starts under its unit, unprivileged, with its own PostgreSQL, and ends it after its own work', async () => {
  await host.sh('systemctl start fairway-server')
  const ask = `/opt/fairway/node_modules/node/bin/node -e '
    fetch("http://127.0.0.1:7080/readyz").then(async (answer) => console.log(await answer.text()), () => console.log("no"))'`
  const log = () => host.sh('journalctl -u fairway-server --no-pager -o cat | cut -c1-500')
  try {
    await waitFor('the server', async () => (await host.sh(ask)).includes('"ready"'), 180_000)
  } catch (error) {
    throw new Error(`the server did not start under its unit:\n${await log()}`, { cause: error })
  }
  const status = await host.sh('cat /proc/$(systemctl show -P MainPID fairway-server)/status')
  expect(status).toMatch(/^CapBnd:\s+0+$/m)
  expect(status).toMatch(/^NoNewPrivs:\s+1$/m)
  expect(status).toMatch(/^Seccomp:\s+2$/m)
  expect(status).not.toMatch(/^Uid:.*\b0\b/m)
  expect(
    await host.sh('cd /var/lib/fairway/server; stat -c "%U %a %n" . master.key admin-code postgres'),
  ).toBe(
    'fairway-server 700 .\nfairway-server 600 master.key\nfairway-server 600 admin-code\nfairway-server 700 postgres\n',
  )

  await host.sh('systemctl stop fairway-server')
  expect(await host.sh('systemctl show -P Result fairway-server')).toBe('success\n')
  expect(await host.sh('tail -1 /var/lib/fairway/server/postgres/postgres.log')).toContain(
    'database system is shut down',
  )
  expect(await log()).not.toContain('terminating connection')
}, 300_000)

test('the agent may do with a pool and the firewall what it does, with the capabilities that its unit leaves it', async () => {
  const text = await readFile(unit('fairway-agent.service'), 'utf8')
  const left = [...text.matchAll(/^CapabilityBoundingSet=(.*)$/gm)].flatMap(([, names = '']) =>
    names.split(' '),
  )
  const bounding = [...left.map((name) => `+${name.replace(/^CAP_/, '').toLowerCase()}`)]
  const own = (await run('setpriv', ['--dump'])).stdout
  // What this machine itself lacks nobody can be left.
  const held = bounding.filter((name) =>
    own.split('\n').some((line) => line.startsWith('Capability bounding') && line.includes(name.slice(1))),
  )
  expect(held.length).toBeGreaterThan(10)
  const script = `
    const { createPool, destroyPool } = await import('${new URL('../../agent/storage/create-pool.ts', import.meta.url)}')
    const { closeHostTo, reopenHostTo } = await import('${new URL('../../agent/containers/firewall.ts', import.meta.url)}')
    const { createDockerHost } = await import('${new URL('../../agent/containers/docker.ts', import.meta.url)}')
    const { mkdtemp, rm, writeFile, chown } = await import('node:fs/promises')
    const directory = await mkdtemp('/tmp/fairway-capabilities-')
    const pool = await createPool({ path: directory + '/pool', loopBytes: 256 * 1024 ** 2 })
    await writeFile(directory + '/pool/file', '')
    await chown(directory + '/pool/file', 999, 999)
    await destroyPool(directory + '/pool')
    await rm(directory, { recursive: true })
    await closeHostTo('10.251.0.0/16')
    await reopenHostTo('10.251.0.0/16')
    await createDockerHost({ agentId: 'test' }).docker.ping()
    console.log(pool.driver.name)`
  const confined = ['--no-new-privs', '--inh-caps', '-all', '--bounding-set', ['-all', ...held].join(',')]
  const { stdout } = await run('setpriv', [
    ...confined,
    process.execPath,
    '--input-type=module',
    '-e',
    script,
  ])
  expect(stdout).toBe('btrfs\n')
}, 60_000)
