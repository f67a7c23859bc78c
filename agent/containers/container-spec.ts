import { createHash } from 'node:crypto'
import type Docker from 'dockerode'
import { type DockerHost, labelsFor, type Purpose } from './docker.ts'

const label = 'fairway.spec'

/** The options with labels that say whose container it is and, by a hash of the options, what was asked for. */
export function withSpec(
  host: DockerHost,
  options: Docker.ContainerCreateOptions,
  purpose: Purpose,
  labels: Readonly<Record<string, string>> = {},
): Docker.ContainerCreateOptions {
  const spec = createHash('sha256').update(JSON.stringify(options)).digest('hex')
  return { ...options, Labels: { ...options.Labels, ...labelsFor(host, purpose), ...labels, [label]: spec } }
}

/** Whether a container was made of just these options; if not, another one is wanted. */
export const hasSpec = (found: Docker.ContainerInspectInfo, options: Docker.ContainerCreateOptions) =>
  found.Config.Labels[label] === options.Labels?.[label]
