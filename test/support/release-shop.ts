import { mkdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { run } from '../../packaging/dev/command.ts'
import type { Clone } from '../../packaging/dev/demo/shop-repository.ts'
import { readSignIn } from '../../packaging/dev/demo/sign-in.ts'
import { cloneSmallShop, finishedBuild, nothingHolds, setPolicy } from './shop.ts'
import { startTestStack, type TestStack, type TestStackOptions } from './stack.ts'

/** plain: as production begins · badge: one column more · extra: other code, the same modules in the database. */
export type Version = 'plain' | 'badge' | 'extra'

/** A shop whose production serves `plain`, and whose staging branches `release/<version>` serve what can be promoted. */
export interface ReleaseShop {
  readonly test: TestStack
  /** Of production. */
  readonly url: string
  /** Of its administrator. */
  readonly password?: string
  readonly digests: ReadonlyMap<Version, string>
}

export async function startReleaseShop(
  name: string,
  staged: readonly Version[],
  options?: TestStackOptions,
): Promise<ReleaseShop> {
  const test = await startTestStack(name, options)
  try {
    const { stack } = test
    const clone = await cloneSmallShop(stack)
    await setPolicy(stack, policy)
    await furnish(clone)
    const build = async (branch: string) => {
      const done = await finishedBuild(stack, branch, await clone.push(branch))
      if (done.status !== 'succeeded') throw new Error(`build of ${branch}: ${done.reason}`)
      return done.digest
    }
    const digests = new Map<Version, string>([['plain', await build('main')]])
    for (const version of staged) {
      const branch = `release/${version}`
      const [file, change] = changes[version]
      await clone.change(branch, file, change, `Make it ${version}`)
      digests.set(version, await build(branch))
    }
    return { test, ...(await readSignIn(stack, 'shop', 'production')), digests }
  } catch (error) {
    await test.close()
    throw error
  }
}

// Rehearsals have cases of their own. Few snapshots are kept, so that releases have some to prune.
const policy = `${nothingHolds}rollback: { releases: 1, failedUpdate: 1s }
`

const changes: Readonly<Record<Version, readonly [file: string, change: (text: string) => string]>> = {
  plain: ['README.md', (text) => `${text}\nAs it was.\n`],
  badge: [
    'partner_loyalty/models/res_partner.py',
    (text) => `${text}\n    loyalty_badge = fields.Char(default="none")\n`,
  ],
  extra: ['partner_extra/__manifest__.py', (text) => text.replace('Extra', 'More')],
}

const extraManifest = `{"name": "Extra", "version": "19.0.1.0.0", "license": "LGPL-3", "depends": ["base"]}\n`

/** Of the second module: fails when the first one's update, with its column, is in the database already. */
const failure = `
    def init(self):
        super().init()
        if os.environ.get("FAIL_UPDATE"):
            raise ValueError("the update fails in production alone")
`

const installTwo = (fairwayYaml: string) =>
  fairwayYaml.replaceAll(
    '  workers: 0',
    '  modules: [partner_loyalty, partner_loyalty_discount]\n  workers: 0',
  )

async function furnish(clone: Clone): Promise<void> {
  const extra = join(clone.directory, 'partner_extra')
  await mkdir(extra)
  await writeFile(join(extra, '__init__.py'), '')
  await writeFile(join(extra, '__manifest__.py'), extraManifest)
  await run('git', ['add', 'partner_extra'], { cwd: clone.directory })
  const discount = 'partner_loyalty_discount/models/res_partner.py'
  await clone.change('main', 'fairway.yaml', installTwo, 'Install two of three modules')
  await clone.change('main', discount, (text) => `import os\n\n${text}${failure}`, 'Fail when told to')
}
