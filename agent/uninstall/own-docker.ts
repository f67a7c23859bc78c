import { resolve } from 'node:path'
import type Docker from 'dockerode'
import { type DockerHost, ifExists, listContainers, stopAndRemove } from '../containers/docker.ts'
import { listNames } from '../storage/durable.ts'
import { createLayout } from '../storage/layout.ts'
import type { Pool } from '../storage/pool.ts'

/** What an agent makes anew, and ends by itself. All else is an environment's. */
const passing = new Set<string | undefined>(['proxy', 'task', 'inspection'])

/** Containers that are not this agent's, running or not, and work on its files: of a former identity, of people. */
export async function requireNoStrangers(host: DockerHost, folders: readonly string[]): Promise<void> {
  const roots = folders.map((folder) => resolve(folder))
  const isInside = ({ Source = '' }: { Source?: string }) =>
    roots.some((root) => Source === root || Source.startsWith(`${root}/`))
  const all = await host.docker.listContainers({ all: true })
  const strangers = all.filter(
    ({ Labels, Mounts }) => Labels['fairway.agent'] !== host.agentId && Mounts.some(isInside),
  )
  if (strangers.length > 0)
    throw new Error(
      `Containers that are not this agent's work on its files: ${strangers.map(nameOf).join(', ')}. Remove them first (\`docker rm\`), if nobody needs them. Nothing was removed.`,
    )
}

/** Its containers say that an environment is there, and its cell says so where somebody removed them. */
export async function requireNoEnvironments(host: DockerHost, pool: Pool | undefined): Promise<void> {
  const containers = (await listContainers(host)).filter(({ Labels }) => !passing.has(Labels['fairway.role']))
  const cells = pool ? await listNames(createLayout(pool.root).cells) : []
  const left = [...containers.map(nameOf), ...cells.map((id) => `cell ${id}`)]
  if (left.length > 0)
    throw new Error(
      `Environments are left on this host: ${left.join(', ')}. Destroy them first (\`fairway env destroy\`). Where no server is left to do it, --with-environments removes them with all their data. Nothing was removed.`,
    )
}

export async function removeFromDocker(host: DockerHost): Promise<void> {
  for (const { Id } of await listContainers(host)) await stopAndRemove(host, Id)
  const left = await listContainers(host)
  if (left.length > 0)
    throw new Error(
      `Docker keeps containers of this agent: ${left.map(nameOf).join(', ')}. The pool was not touched.`,
    )
  const label = [`fairway.agent=${host.agentId}`]
  for (const { Id } of await host.docker.listNetworks({ filters: { label } }))
    await ifExists(host.docker.getNetwork(Id).remove())
}

const nameOf = ({ Names, Id }: Docker.ContainerInfo): string => Names[0]?.replace(/^\//, '') ?? Id
