import { randomUUID } from 'node:crypto'
import { fileURLToPath } from 'node:url'
import { run } from '../../packaging/dev/command.ts'
import { ensureBaseImage } from '../../packaging/images/base-image.ts'
import { dockerBuild, isUpToDate } from '../../packaging/images/docker-build.ts'
import { findMirror } from '../../packaging/images/mirror.ts'
import { recipeOf } from '../../packaging/images/recipe.ts'
import { waitFor } from './wait-for.ts'

const context = fileURLToPath(new URL('systemd', import.meta.url))
const checkout = fileURLToPath(new URL('../../', import.meta.url))
const tag = 'fairway/test-systemd:trixie'

/** A machine whose first process is a real systemd. */
export interface SystemdHost extends AsyncDisposable {
  readonly name: string
  sh(script: string): Promise<string>
}

/** With this checkout at /opt/fairway, unless it is given something else. */
export async function startSystemdHost({
  mounts = [`${checkout}:/opt/fairway:ro`],
  network = 'bridge',
} = {}): Promise<SystemdHost> {
  const base = await ensureBaseImage('trixie', await findMirror(), false)
  const recipe = await recipeOf(context, { base })
  if (!(await isUpToDate(tag, recipe))) await dockerBuild({ tag, context, recipe, args: { BASE: base } })
  const name = `fairway-test-systemd-${randomUUID().slice(0, 8)}`
  const unconfined = ['seccomp', 'apparmor', 'systempaths'].flatMap((what) => [
    '--security-opt',
    `${what}=unconfined`,
  ])
  const capabilities = ['SYS_ADMIN', 'NET_ADMIN', 'SYS_PTRACE'].flatMap((capability) => [
    '--cap-add',
    capability,
  ])
  const scratch = ['--tmpfs', '/run', '--tmpfs', '/tmp']
  const options = [
    '--env',
    'container=docker',
    '--env',
    `BRANCH=${name}`,
    ...['--network', network],
    ...mounts.flatMap((mount) => ['--volume', mount]),
  ]
  await run('docker', [
    'run',
    '--detach',
    '--name',
    name,
    ...unconfined,
    ...capabilities,
    ...scratch,
    ...options,
    tag,
  ])
  const sh = (script: string) => run('docker', ['exec', name, 'sh', '-c', script])
  const host: SystemdHost = {
    name,
    sh,
    async [Symbol.asyncDispose]() {
      await run('docker', ['rm', '--force', '--volumes', name])
      // The branch outlives the container that made it.
      const prune = `mount -t cgroup2 none /mnt; find /mnt/${name} -depth -type d -exec rmdir {} +`
      const shell = ['--entrypoint', 'sh', tag, '-c', prune]
      await run('docker', ['run', '--rm', '--cap-add', 'SYS_ADMIN', ...unconfined, ...shell])
    },
  }
  try {
    await waitFor('systemd to be up', async () => {
      const state = await sh('systemctl is-system-running || true').catch(() => '')
      return ['running', 'degraded'].includes(state.trim())
    })
  } catch (error) {
    await host[Symbol.asyncDispose]()
    throw error
  }
  return host
}
