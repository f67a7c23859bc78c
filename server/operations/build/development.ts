import type { Image, Source } from '../../releases/source.ts'
import type { BuildActions, PreparedContent } from '../../runs/types.ts'
import { replaceCell } from '../parts/serve.ts'

/**
 * Development: a preview with its own modules, demo data and tests, from the nearest prepared snapshot.
 * `full` holds exactly this image and these modules, tests run: cloning it is all there is to do.
 * `base` holds what the base image ships of the closure: all others are installed fresh on top of it, so that nothing of
 * an older version of them is ever left behind. They are all named. `must_install` in `button_install` of
 * odoo/addons/base/models/ir_module.py passes over a module whose triggers are installed already, as those of the base
 * are by then; a new database of production, which is filled at once, gets it.
 */
export async function buildDevelopment(run: BuildActions, source: Source, image: Image): Promise<void> {
  const full = content('full', image.reference, source.closure, source, source.testTags)
  const inBase = new Set(source.baseModules)
  const install = source.closure.filter((name) => !inBase.has(name))

  await replaceCell(run, source, image, async (cellId) => {
    const ready = await run.findPrepared(full)
    if (ready) {
      await run.clonePrepared(cellId, ready)
      await run.note({ tests: ready.tests, updatedModules: [] })
      run.summarize('from a prepared snapshot of the same image and modules')
      return
    }
    await fillWithBaseModules(run, cellId, source)
    const applied =
      install.length > 0
        ? await run.applyModules(
            cellId,
            image.reference,
            { install, update: [] },
            {
              key: 'install',
              demo: source.demo,
              testTags: source.testTags,
              expectInstalled: install,
              variables: source.variables,
              code: source,
            },
          )
        : undefined
    await run.prepare(cellId, full, applied?.tests)
    await run.note({ tests: applied?.tests, updatedModules: install })
    run.summarize(
      install.length > 0
        ? `installed ${install.join(', ')}`
        : 'nothing to install that the base image does not have',
    )
  })
}

async function fillWithBaseModules(run: BuildActions, cellId: string, source: Source): Promise<void> {
  const base = content('base', source.baseImage, source.baseModules, source, '')
  const prepared = await run.findPrepared(base)
  if (prepared) return run.clonePrepared(cellId, prepared)
  const wanted = source.baseModules.length > 0 ? source.baseModules : ['base']
  const installed = await run.createCellFor(cellId, { ...base, modules: wanted })
  // Series before 19 would install again what is there.
  const install = wanted.filter((name) => !installed.includes(name))
  await run.applyModules(
    cellId,
    source.baseImage,
    { install, update: [] },
    {
      key: 'install-base',
      demo: source.demo,
      expectInstalled: wanted,
      withoutSecrets: true,
      code: { baseImage: source.baseImage, addonTrees: {} },
    },
  )
  await run.prepare(cellId, base)
}

const content = (
  layer: PreparedContent['layer'],
  image: string,
  modules: readonly string[],
  source: Source,
  testTags: string,
): PreparedContent => ({
  layer,
  image,
  modules,
  demo: source.demo,
  testTags,
  variables: layer === 'full' ? source.variables : {},
})
