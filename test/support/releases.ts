import { createHash, randomUUID } from 'node:crypto'
import type { AppContext } from '../../server/context.ts'
import { answers, type Play, playRun } from './play-run.ts'
import { type ArrangedBuild, arrangeBuild, type Tenant } from './tenant.ts'

const sha = (text: string) => createHash('sha256').update(text).digest('hex')

/** What resolve and image answer for a commit whose module `shop` has that content. */
export function contentOf(content: string, version = '19.0.1.0.0'): NonNullable<Play['answers']> {
  const digest = `sha256:${sha(`image of ${content}`)}`
  const [addon] = answers.resolve.addons
  return {
    resolve: {
      ...answers.resolve,
      commit: sha(`commit of ${content}`).slice(0, 40),
      imageKey: sha(`key of ${content}`),
      lockSha256: sha(`lock of ${content}`),
      addons: [{ ...addon, version, treeId: sha(content).slice(0, 40) }],
    },
    buildImage: { ...answers.buildImage, reference: `registry.example/acme/shop@${digest}`, digest },
  }
}

/** A build of the branch, played to its end; approved where it waits. */
export async function playBuild(
  context: AppContext,
  tenant: Tenant,
  branch: string,
  content: string,
  play: Play = {},
): Promise<ArrangedBuild> {
  const build = await arrangeBuild(context, tenant, branch)
  await playRun(context, tenant, build.runId, {
    lines: 0,
    ...play,
    answers: { ...contentOf(content), ...play.answers },
  })
  return build
}

export const releaseBranch = 'release/1.0'

/** Production runs one thing, and staging another that can be released. */
export async function arrangeRelease(
  context: AppContext,
  tenant: Tenant,
): Promise<{ staging: ArrangedBuild }> {
  await playBuild(context, tenant, 'main', `production ${randomUUID()}`)
  return { staging: await playBuild(context, tenant, releaseBranch, `staging ${randomUUID()}`) }
}
