import type { Readable } from 'node:stream'
import type { LockedApt } from '../../lib/repository/lock.ts'
import type { DockerHost } from '../containers/docker.ts'
import { type ContainerNetwork, runThrowaway } from '../containers/throwaway.ts'
import { type TaskContext, TaskError } from '../tasks/task.ts'
import { type FileChange, packChanges } from './changed-files.ts'
import { type LayerFile, writeLayer } from './layer-file.ts'

const timeoutMs = 15 * 60_000

/** What dpkg and maintainer scripts need of root, and none of what reaches beyond the container. */
const capabilities = ['CHOWN', 'DAC_OVERRIDE', 'FOWNER', 'FSETID', 'SETGID', 'SETUID', 'SYS_CHROOT', 'KILL']

// The names come from standard input; what apt leaves behind is not in the layer.
const script = `
set -eu
read -r packages
apt-get -qq -o Acquire::Retries=3 update >&2
apt-get -qq -y -o Acquire::Retries=3 --no-install-recommends --allow-downgrades install -- $packages >&2
`

/**
 * Installs Debian packages as root in a container of the image, and takes what they changed as a layer. The only place
 * where root runs in a foreign image: without what reaches beyond it, and on the network for packages alone.
 *
 * @param path where the layer goes.
 * @throws TaskError `image-build-failed` with what apt said last.
 */
export async function installApt(
  host: DockerHost,
  context: Pick<TaskContext, 'taskId' | 'epoch' | 'signal' | 'requireLease'>,
  step: {
    readonly image: string
    readonly packages: readonly LockedApt[]
    readonly network: ContainerNetwork
    onLine(line: string): void
  },
  path: string,
): Promise<LayerFile> {
  // With room for clocks; what packages carry is older by far.
  const sinceMs = Date.now() - 60_000
  const said: string[] = []
  let layer: LayerFile | undefined
  const end = await runThrowaway(host, context, {
    image: step.image,
    command: ['sh', '-c', script],
    input: `${step.packages.map(({ name, version }) => `${name}=${version}`).join(' ')}\n`,
    network: step.network,
    // Of the years and days that useradd notes, too.
    environment: { DEBIAN_FRONTEND: 'noninteractive', SOURCE_DATE_EPOCH: '315532800', HOME: '/root' },
    timeoutMs,
    asRoot: capabilities,
    onLine: (line) => {
      said.push(line)
      if (said.length > 20) said.shift()
      step.onLine(line)
    },
    async onSuccess(container) {
      const changes = ((await container.changes()) ?? []) as FileChange[]
      const exported = (await container.export()) as unknown as Readable
      const names = step.packages.map(({ name }) => name).join(' ')
      const createdBy = `fairway: apt ${names.slice(0, 200)}`
      layer = await writeLayer(path, packChanges(exported, changes, sinceMs), createdBy, context.signal)
    },
  })
  if (layer) return layer
  throw new TaskError(
    'image-build-failed',
    `apt could not install the packages (exit code ${end.exitCode}): ${said.slice(-5).join('; ').slice(0, 1000)}`,
  )
}
