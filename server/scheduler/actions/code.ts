import {
  CellStage,
  InstallMode,
  type ResolveOutput,
  type StageConfig,
} from '../../../proto/gen/fairway/agent/v1/tasks_pb.js'
import type { Stage } from '../../db/tables/projects.ts'
import { policyInForce } from '../../governance/policy/in-force.ts'
import { faultOfBaseImage } from '../../governance/policy/supply.ts'
import type { Engine } from '../replay.ts'
import { type BuildActions, type Source, TaskFailed } from '../types.ts'
import { cellStageOf, type EngineConfig, minutes, stageOfCell } from './wording.ts'

/** Resolve and image: from a commit to an image digest. */
export function codeActions(engine: Engine, config: EngineConfig): Pick<BuildActions, 'resolve' | 'image'> {
  const { run, project, organization, branch } = engine.state
  const imageRepository = `${config.registry}/${organization}/${project.name}`
  let resolved: ResolveOutput | undefined
  return {
    async resolve() {
      const output = await engine.task(
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
        },
        { timeoutMs: minutes(10), attempts: 3 },
      )
      resolved = output
      await engine.once('commit', async () => {
        const commit = { commit: output.commit, commit_message: output.commitMessage }
        await engine.state.tx.updateTable('runs').set(commit).where('id', '=', run.id).execute()
      })
      await engine.note({
        baseImage: output.baseImage,
        tree: output.treeId,
        commitAuthor: output.commitAuthor,
        lockSha256: output.lockSha256,
        modules: output.closure,
      })
      const forbidden = await engine.effect('base-image-allowed', async () => {
        const { document } = await policyInForce(engine.state.tx, project.id)
        return faultOfBaseImage(document, output.baseImage) ?? ''
      })
      if (forbidden) throw new TaskFailed('base-image-forbidden', forbidden)
      const own = output.addons.filter((addon) => output.closure.includes(addon.name)).length
      engine.summarize(`${output.commit.slice(0, 10)}: ${output.closure.length} modules, ${own} of them own`)
      return sourceOf(output, run.stage as Stage, run.number ?? 0)
    },

    async image(source) {
      if (!resolved) throw new Error('image() comes after resolve()')
      const output = await engine.task(
        'image',
        'buildImage',
        {
          repositoryUrl: project.repository_url,
          commit: source.commit,
          baseImage: source.baseImage,
          addons: resolved.addons,
          sources: resolved.sources,
          python: resolved.python,
          pythonIndex: resolved.pythonIndex,
          apt: resolved.apt,
          imageKey: source.imageKey,
          imageRepository,
          labels: {
            'org.opencontainers.image.source': project.repository_url,
            'org.opencontainers.image.revision': source.commit,
            'org.opencontainers.image.title': project.name,
            'org.opencontainers.image.version': source.commit.slice(0, 12),
            'dev.fairway.project': project.name,
            'dev.fairway.lock': resolved.lockSha256,
          },
        },
        { timeoutMs: minutes(20), attempts: 3 },
      )
      await engine.note({
        digest: output.digest,
        image: output.reference,
        imageBuilt: output.built,
        sbomSha256: output.sbomSha256,
        requirements: source.requirements,
      })
      engine.summarize(
        `${output.digest.slice(0, 19)} ${output.built ? 'built and pushed' : 'was there already'}`,
      )
      return { reference: output.reference, digest: output.digest, built: output.built }
    },
  }
}

function sourceOf(output: ResolveOutput, stage: Stage, buildNumber: number): Source {
  const stageConfig = output.config?.[stage]
  const trees: Record<string, string> = {}
  const depends: Record<string, readonly string[]> = {}
  const versions: Record<string, string> = {}
  for (const addon of output.addons) {
    trees[addon.name] = addon.treeId
    depends[addon.name] = addon.depends
    versions[addon.name] = addon.version
  }
  return {
    commit: output.commit,
    buildNumber,
    lockSha256: output.lockSha256,
    baseImage: output.baseImage,
    imageKey: output.imageKey,
    modules: output.modules,
    closure: output.closure,
    baseModules: output.baseModules,
    addonTrees: trees,
    addonDepends: depends,
    addonVersions: versions,
    requirements: {
      python: Object.fromEntries(output.python.map(({ name, version }) => [name, version])),
      apt: Object.fromEntries(output.apt.map(({ name, version }) => [name, version])),
    },
    neutralizedModules: output.addons.filter((addon) => addon.hasNeutralize).map((addon) => addon.name),
    demo: stageConfig?.demo ?? false,
    testTags: testTagsOf(stageConfig, output),
    workers: stageConfig?.workers ?? 0,
    resources: {
      memoryBytes: Number(stageConfig?.resources?.memoryBytes ?? 0n),
      milliCpus: stageConfig?.resources?.milliCpus ?? 0,
      maxProcesses: stageConfig?.resources?.maxProcesses ?? 0,
    },
    smokeChecks: (stageConfig?.smoke ?? []).map(({ path, status, contains }) => ({ path, status, contains })),
    branchRules: (output.config?.branches ?? [])
      .filter((rule) => rule.stage !== CellStage.UNSPECIFIED)
      .map((rule) => ({ pattern: rule.pattern, stage: stageOfCell(rule.stage) })),
  }
}

/** `none` runs no test; nothing said runs those of the own modules that are installed. */
function testTagsOf(config: StageConfig | undefined, output: ResolveOutput): string {
  const wanted = config?.testTags ?? ''
  if (wanted === 'none' || config?.installMode === InstallMode.UNSPECIFIED) return ''
  if (wanted !== '') return wanted
  return output.addons
    .filter((addon) => output.closure.includes(addon.name))
    .map((addon) => `/${addon.name}`)
    .join(',')
}
