import type { TestReport } from '../../../proto/gen/fairway/agent/v1/tasks_pb.js'
import type { Image, Source } from '../../releases/source.ts'
import type { Engine } from '../replay.ts'
import type { BuildActions, Tests } from '../types.ts'
import { updateRecord } from './observation.ts'
import { homeOf } from './scratch.ts'
import { secretActions } from './secrets.ts'
import { minutes, resourcesOf } from './wording.ts'

type ModuleActions = Pick<BuildActions, 'applyModules' | 'neutralize' | 'proveNeutralized'>

/** What Odoo does to a database: install, update, test, neutralize. */
export function moduleActions(engine: Engine): ModuleActions {
  const neutralize = (key: string, cellId: string, image: Image, source: Source, assert: boolean) =>
    engine.task(
      key,
      'neutralize',
      { cellId, image: image.reference, assert, coveredModules: [...source.neutralizedModules] },
      { timeoutMs: minutes(15) },
    )

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
        },
        { timeoutMs: minutes(60), scratch },
      )
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

    async neutralize(cellId, image, source) {
      await neutralize('neutralize', cellId, image, source, false)
    },

    async proveNeutralized(cellId, image, source) {
      const output = await neutralize('neutralize-and-prove', cellId, image, source, true)
      const { assertions, uncoveredModules } = output
      await engine.note({
        neutralization: {
          assertions: assertions.map(({ name, passed, detail }) => ({ name, passed, detail })),
          uncoveredModules,
        },
      })
    },
  }
}

function testsOf(report: TestReport | undefined): Tests | undefined {
  if (!report?.ran) return undefined
  const { total, failed, errors, failures } = report
  return { total, failed, errors, failures }
}
