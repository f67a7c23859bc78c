import { type Check, PasswordPolicy, type TestReport } from '../../../proto/gen/fairway/agent/v1/tasks_pb.js'
import type { Stage } from '../../db/tables/projects.ts'
import type { PolicyDocument } from '../../governance/policy/document.ts'
import { policyInForce } from '../../governance/policy/in-force.ts'
import { contentsRecord, plannedFrom } from '../../releases/contents.ts'
import type { Engine } from '../../runs/replay.ts'
import type { BuildActions, Tests } from '../../runs/types.ts'
import { homeOf } from './cell-home.ts'
import { hostnamesOf } from './hostnames.ts'
import { updateRecord } from './observation.ts'
import { secretActions } from './secrets.ts'
import { type EngineConfig, minutes, resourcesOf, updateTimeoutMs } from './wording.ts'

type ModuleActions = Pick<BuildActions, 'applyModules' | 'neutralizeAsProduction' | 'proveNeutralized'>

/** What Odoo does to a database: install, update, test, neutralize. */
export function moduleActions(engine: Engine, config: EngineConfig): ModuleActions {
  async function neutralize(
    key: string,
    cellId: string,
    image: string,
    passwords: PasswordPolicy,
    more: { coveredModules?: string[]; productionHostnames?: string[] },
  ) {
    return await engine.task(
      key,
      'neutralize',
      { cellId, image, assert: true, passwords, ...addressOf(cellId), ...more },
      { timeoutMs: minutes(15) },
    )
  }

  /** Where the copy will answer: as its runtime does. Nobody visits one of a rehearsal. */
  function addressOf(cellId: string) {
    const { environment: name, scratch } = homeOf(engine, cellId)
    if (scratch) return {}
    const { environment, project } = engine.state
    const stage = environment.stage as Stage
    return {
      hostnames: hostnamesOf({ stage, environment: name, project: project.name }, config),
      https: config.publicScheme === 'https',
    }
  }

  /** As the project's policy says when it is first asked; a clone that nobody ever signs in to needs none. */
  async function passwordsFor(cellId: string): Promise<PasswordPolicy> {
    if (homeOf(engine, cellId).scratch) return PasswordPolicy.DISABLE
    const wanted = await engine.effect('passwords', async () => {
      const { document } = await policyInForce(engine.state.tx, engine.state.project.id)
      return document.neutralization.passwords
    })
    return passwordPolicies[wanted]
  }

  const rehearsedMs = () =>
    engine.state.run.stage === 'production' ? engine.record.rehearsal?.update?.durationMs : undefined

  return {
    async applyModules(cellId, image, changes, options) {
      const secrets = options.withoutSecrets
        ? []
        : await secretActions(engine).current(`apply:${options.key}`)
      const { scratch } = homeOf(engine, cellId)
      const output = await engine.task(
        `apply:${options.key}`,
        'applyModules',
        {
          cellId,
          image,
          install: [...changes.install],
          update: [...changes.update],
          demo: options.demo ?? false,
          testTags: options.testTags ?? '',
          expectInstalled: [...(options.expectInstalled ?? [])],
          ...(options.resources && { resources: resourcesOf(options.resources) }),
          secrets: secrets.map((ref) => ({ ...ref })),
          observe: options.observe ?? false,
          variables: { ...options.variables },
          ...(options.planned && { plannedFrom: plannedFrom(options.planned) }),
          ...(options.code && { baseImage: options.code.baseImage, addons: { ...options.code.addonTrees } }),
          renames: (changes.renames ?? []).map((rename) => ({ ...rename })),
          expectGone: [...(changes.gone ?? [])],
          firstPassword: options.firstPassword ?? false,
        },
        {
          timeoutMs: updateTimeoutMs(scratch ? undefined : rehearsedMs(), config.buildTimeoutMs),
          scratch,
        },
      )
      if (options.firstPassword && !output.defaultPasswords)
        await engine.warn(
          'the host’s agent is of before new productions got a password of their own: whoever reaches this one signs in as ' +
            'admin with admin. Change it in Odoo now, and upgrade the agent.',
        )
      if (!scratch) await engine.note({ contents: contentsRecord(output.contents) })
      const tests = testsOf(output.tests)
      if (tests) await engine.note({ tests })
      const tookMs = Number(output.durationMs)
      const { observation } = output
      return {
        tests,
        update: observation && updateRecord(observation),
        odooMs: observation ? Number(observation.odooMs) : tookMs,
        tookMs,
      }
    },

    async neutralizeAsProduction(cellId, deployment) {
      const passwords = await passwordsFor(cellId)
      const first = passwords === PasswordPolicy.RESET ? PasswordPolicy.DISABLE : passwords
      const { image, hostnames } = deployment
      const { assertions } = await neutralize('neutralize-as-production', cellId, image, first, {
        productionHostnames: [...hostnames],
      })
      await engine.note({ neutralizedAsProduction: { image, assertions: checksOf(assertions) } })
    },

    async proveNeutralized(cellId, image, source) {
      const output = await neutralize(
        'neutralize-and-prove',
        cellId,
        image.reference,
        await passwordsFor(cellId),
        { coveredModules: [...source.neutralizedModules] },
      )
      const { assertions, uncoveredModules } = output
      const passwords = passwordsOf(output.passwords)
      await engine.note({
        neutralization: {
          assertions: checksOf(assertions),
          uncoveredModules,
          ...(passwords && { passwords }),
        },
      })
      if (passwords === undefined)
        await engine.warn(
          'the host’s agent is of before copies of production were made neutral by itself: their passwords and keys are still ' +
            'in this one. Upgrade the agent and build again.',
        )
    },
  }
}

const checksOf = (checks: readonly Check[]) =>
  checks.map(({ name, passed, detail }) => ({ name, passed, detail }))

const passwordPolicies = {
  keep: PasswordPolicy.KEEP,
  disable: PasswordPolicy.DISABLE,
  reset: PasswordPolicy.RESET,
} as const satisfies Record<PolicyDocument['neutralization']['passwords'], PasswordPolicy>

function passwordsOf(policy: PasswordPolicy): keyof typeof passwordPolicies | undefined {
  return (Object.keys(passwordPolicies) as (keyof typeof passwordPolicies)[]).find(
    (name) => passwordPolicies[name] === policy,
  )
}

function testsOf(report: TestReport | undefined): Tests | undefined {
  if (!report?.ran) return undefined
  const { total, failed, errors, failures } = report
  return { total, failed, errors, failures }
}
