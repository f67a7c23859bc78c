import type Docker from 'dockerode'
import type { Owner, Secrets } from '../tasks/task.ts'
import { type DockerHost, findContainer, listContainers } from './docker.ts'

/** Names which variables of a container are secrets: an agent that starts reads their values back from there. */
const label = 'fairway.secrets'
/** Whose they are: project, a slash, environment. */
const ownerLabel = 'fairway.secrets-owner'

/** The options with secrets in the environment. What the agent itself sets goes before a secret of that name. */
export function withSecrets(
  options: Docker.ContainerCreateOptions,
  secrets: Secrets,
): Docker.ContainerCreateOptions {
  const own = options.Env ?? []
  const taken = new Set(own.map((variable) => variable.split('=', 1)[0]))
  const names = Object.keys(secrets)
    .filter((name) => !taken.has(name))
    .sort()
  if (names.length === 0) return options
  return {
    ...options,
    Env: [...own, ...names.map((name) => `${name}=${secrets[name]}`)],
    Labels: { ...options.Labels, [label]: names.join(',') },
  }
}

/** The values in a container's environment that its label says are secrets. */
export function secretsOf(container: Docker.ContainerInspectInfo): string[] {
  const names = new Set((container.Config.Labels[label] ?? '').split(',').filter(Boolean))
  return (container.Config.Env ?? []).flatMap((variable) => {
    const at = variable.indexOf('=')
    return names.has(variable.slice(0, at)) ? [variable.slice(at + 1)] : []
  })
}

export const labelsOfOwner = ({ projectId, environmentId }: Owner): Record<string, string> => ({
  [ownerLabel]: `${projectId}/${environmentId}`,
})

/** Of a container of an agent of before, which wrote none on it, the environment is what is known of a runtime. */
export function ownerOfContainer(labels: Readonly<Record<string, string>>): Owner {
  const owner = labels[ownerLabel]
  if (owner === undefined) return { projectId: '', environmentId: labels['fairway.environment'] ?? '' }
  const [projectId = '', environmentId = ''] = owner.split('/')
  return { projectId, environmentId }
}

/** Secrets of all containers on this host, running or not, before a line of theirs is read. */
export async function listContainerSecrets(
  host: DockerHost,
): Promise<{ readonly owner: Owner; readonly values: readonly string[] }[]> {
  const containers = await listContainers(host)
  const marked = containers.filter(({ Labels }) => Labels[label])
  const found = await Promise.all(marked.map(({ Id }) => findContainer(host, Id)))
  return found.flatMap((container) =>
    container ? [{ owner: ownerOfContainer(container.Config.Labels), values: secretsOf(container) }] : [],
  )
}
