import type { ResolveOutput } from '../../../proto/gen/fairway/agent/v1/tasks_pb.js'
import type { BlobStore } from '../../blobs/store.ts'
import type { Stage } from '../../db/tables/projects.ts'
import type { PolicyDocument } from '../../governance/policy/document.ts'
import { policyInForce } from '../../governance/policy/in-force.ts'
import type { ImageRules } from '../../governance/policy/supply.ts'
import { credentialKinds } from '../../governance/secrets/credentials.ts'
import { cellStageOf } from '../../releases/cell-stage.ts'
import { requirementsOf, sourceOf } from '../../releases/source.ts'
import type { Engine } from '../../runs/replay.ts'
import type { BuildActions } from '../../runs/types.ts'
import { imageRulesFor, requireAllowedBase } from './base-image.ts'
import { imagesToTrust } from './builders.ts'
import { credentialsFor } from './credentials.ts'
import { imageRepositoryOf } from './image-repositories.ts'
import { lockToKeep } from './lock-to-keep.ts'
import { judgeSecrets, lastScannedCommit } from './secret-scan.ts'
import { commitsOf, servedCommit } from './served-commit.ts'
import { type EngineConfig, minutes } from './wording.ts'

/**
 * Resolve and image: from a commit to an image digest. What builds nothing makes a lock anew: it goes by no pins, and the
 * policy stops nothing of it.
 */
export function codeActions(
  engine: Engine,
  config: EngineConfig,
  blobs: BlobStore,
  { builds }: { readonly builds: boolean },
): Pick<BuildActions, 'resolve' | 'image'> {
  const { run, project, organization, branch } = engine.state
  const imageRepository = imageRepositoryOf(config.registry, organization, project.name)
  let resolved: ResolveOutput | undefined
  // As it is when the task is asked for, which keeps it.
  const policyFor = async (task: string): Promise<PolicyDocument | undefined> =>
    engine.state.tasks.has(task) ? undefined : (await policyInForce(engine.state.tx, project.id)).document
  /** Who asked for a branch is told which commit that was, whatever becomes of the build. */
  const keepCommit = ({ commit, commitMessage }: Pick<ResolveOutput, 'commit' | 'commitMessage'>) =>
    engine.once('commit', () =>
      engine.state.tx
        .updateTable('runs')
        .set({ commit, commit_message: commitMessage })
        .where('id', '=', run.id)
        .execute(),
    )
  return {
    async resolve() {
      // The registry's as well: the base image may be a private one.
      const credentials = await credentialsFor(engine, 'resolve', credentialKinds)
      // What it is asked for is kept with the task: no need to look it up again.
      const asked = engine.state.tasks.has('resolve')
      const policy = await policyFor('resolve')
      const asking = engine.task(
        'resolve',
        'resolve',
        {
          repositoryUrl: project.repository_url,
          branch: branch?.name ?? '',
          commit: run.commit,
          stage: cellStageOf(run.stage as Stage),
          odooVersion: project.odoo_version,
          defaultBaseImage: config.odooImage,
          imageRepository,
          lock: asked ? '' : await lockToKeep(engine, blobs),
          refresh: !builds,
          credentials: [...credentials],
          scannedCommit: asked || !builds ? '' : await lastScannedCommit(engine),
          servedCommit: asked || !builds ? '' : await servedCommit(engine),
          networkAllow: policy?.network.allow ?? [],
          imageRules: asked ? undefined : rulesOf(await imageRulesFor(engine, config.odooImage)),
          moduleIndex: policy && { repositories: policy.sources.index || [] },
        },
        { timeoutMs: minutes(10) },
      )
      const output = await asking.catch(async (error: unknown) => {
        const found = engine.found('resolve', 'resolve')
        if (found?.commit) await keepCommit(found)
        throw error
      })
      resolved = output
      await keepCommit(output)
      await engine.note({
        baseImage: output.baseImage,
        tree: output.treeId,
        commitAuthor: output.commitAuthor,
        lockSha256: output.lockSha256,
        modules: output.closure,
        requirements: requirementsOf(output),
        ...(output.sinceServed && { commits: commitsOf(output.sinceServed) }),
      })
      await judgeSecrets(engine, output, { builds })
      const { baseImage } = output
      await requireAllowedBase(engine, { key: 'base-image-allowed', baseImage, odooImage: config.odooImage })
      const own = output.addons.filter(({ name, source }) => !source && output.closure.includes(name)).length
      const byItself =
        output.autoInstalled.length > 0 ? `, ${output.autoInstalled.length} that Odoo adds by itself` : ''
      engine.summarize(
        `${output.commit.slice(0, 10)}: ${output.closure.length} modules, ${own} of them own${byItself}`,
      )
      return await engine.decide('source', () => sourceOf(output, run.stage as Stage, run.number ?? 0))
    },

    async image(source) {
      if (!resolved) throw new Error('image() comes after resolve()')
      const credentials = await credentialsFor(engine, 'image', credentialKinds)
      const spec = {
        repositoryUrl: project.repository_url,
        commit: source.commit,
        baseImage: source.baseImage,
        addons: resolved.addons,
        imageKey: source.imageKey,
        imageRepository,
        sources: resolved.sources,
        python: resolved.python,
        pythonIndex: resolved.pythonIndex,
        apt: resolved.apt,
        credentials: [...credentials],
        networkAllow: (await policyFor('image'))?.network.allow ?? [],
        imageRules: rulesOf(await imageRulesFor(engine, config.odooImage)),
      }
      const limits = { timeoutMs: minutes(20) }
      const trusted = await imagesToTrust(engine, source.imageKey)
      let output = trusted?.length === 0 ? undefined : await engine.task('image', 'buildImage', spec, limits)
      if (trusted && !(output && !output.built && trusted.includes(output.digest))) {
        output = await engine.task('image-anew', 'buildImage', { ...spec, anew: true }, limits)
      }
      if (!output) throw new Error('no image was asked for')
      await engine.note({
        digest: output.digest,
        image: output.reference,
        imageBuilt: output.built,
        sbomSha256: output.sbomSha256,
      })
      engine.summarize(
        `${output.digest.slice(0, 19)} ${output.built ? 'built and pushed' : 'was there already'}`,
      )
      return { reference: output.reference, digest: output.digest, built: output.built }
    },
  }
}

export const rulesOf = ({ registries, baseImages }: ImageRules) => ({
  registries: [...registries],
  baseImages: [...baseImages],
})
