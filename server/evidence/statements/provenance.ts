import product from '../../../package.json' with { type: 'json' }
import { reproductionKey } from '../../db/image-builders.ts'
import type { RunKind } from '../../db/tables/runs.ts'
import { runKinds } from '../../operations/kinds.ts'
import type { RepositoryFacts } from '../record/run-manifest.ts'
import { type Claimant, imageSubject } from './statement.ts'

/** How an image is made from a repository and a base image; described in docs/evidence.md. */
const buildType = 'https://fairway.dev/build-types/odoo-image/v1'

/** It makes the image that goes live, or takes it as it was made. */
const isOfMaking = (kind: RunKind) => ['makes', 'takes'].includes(runKinds[kind].image)

/** SLSA provenance v1 of the image that goes live: what went in, who made it, when. */
export const provenance: Claimant = (stored) => {
  const { manifest } = stored
  const image = imageSubject(stored)
  // Who only tries an image, or goes back to one, says nothing about how it was made.
  if (!image || !isOfMaking(stored.manifest.run.kind)) return undefined
  const { project, source, baseImage, lockSha256, submodules, imageBuiltBy, imageBuilders, run, tasks } =
    manifest
  const { reproductions } = manifest
  const task = tasks.findLast(({ kind, key }) => kind === 'buildImage' && key !== reproductionKey)
  return {
    name: 'provenance',
    predicateType: 'https://slsa.dev/provenance/v1',
    subjects: [image],
    predicate: {
      buildDefinition: {
        buildType,
        externalParameters: {
          repository: project.repository,
          commit: source.commit,
          branch: source.branch,
        },
        // An image of the same lock and base image is taken as it is.
        internalParameters: {
          reused: imageBuiltBy !== run.id,
          builtByRun: imageBuiltBy,
          // By the word of their agents; `anew` where nothing of others in the registry is in it.
          builders: imageBuilders,
          // Other hosts that built the same digest; absent where the policy did not ask for it.
          ...(reproductions && { reproducedBy: reproductions }),
        },
        resolvedDependencies: [
          gitDependency(project.repository, source.commit),
          ...(baseImage ? [imageDependency(baseImage)] : []),
          ...submodules.map(repositoryDependency),
          ...(lockSha256 ? [{ name: 'lock.json', digest: { sha256: lockSha256 } }] : []),
        ],
      },
      runDetails: {
        builder: {
          id: 'https://fairway.dev/builders/agent/v1',
          version: {
            fairway: product.version,
            ...Object.fromEntries(manifest.hosts.map((host) => [`agent/${host.name}`, host.agentVersion])),
          },
        },
        metadata: {
          invocationId: run.id,
          ...(task?.startedAt && { startedOn: task.startedAt }),
          ...(task?.finishedAt && { finishedOn: task.finishedAt }),
        },
      },
    },
  }
}

const gitDependency = (url: string, commit: string) => ({
  uri: `git+${url}@${commit}`,
  digest: { gitCommit: commit },
})

/** The result of a merge is in no repository: whoever verifies fetches its parts, and merges them in their order. */
const repositoryDependency = ({ path, url, commit, merge }: RepositoryFacts) => ({
  ...gitDependency(url, commit),
  name: path,
  ...(merge && { annotations: { mergedAs: merge.part, mergedOf: merge.parts } }),
})

/** `registry/odoo@sha256:…` */
function imageDependency(reference: string) {
  const [name = '', digest = ''] = reference.split('@sha256:')
  return { uri: `docker://${name}`, ...(digest && { digest: { sha256: digest } }) }
}
