import type { Engine } from '../replay.ts'
import type { BuildActions, Image, Source, Tests } from '../types.ts'
import { secretActions } from './secrets.ts'
import { minutes } from './wording.ts'

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
          secrets: secrets.map((ref) => ({ ...ref })),
        },
        { timeoutMs: minutes(60) },
      )
      const report = output.tests
      if (!report?.ran) return undefined
      const tests: Tests = {
        total: report.total,
        failed: report.failed,
        errors: report.errors,
        failures: report.failures,
      }
      await engine.note({ tests })
      return tests
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
