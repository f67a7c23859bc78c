import { mkdir, rm } from 'node:fs/promises'
import { run } from '../command.ts'
import { waitFor } from '../wait-for.ts'
import { command, say } from './say.ts'
import type { Stack } from './stack.ts'

/**
 * Approves what production waits for, as somebody who did not ask for it. A build that ends before it asks ends the wait, with
 * its reason.
 */
export async function approveDeployment(manager: Stack, project: string, build?: number): Promise<void> {
  let approval: string | undefined
  await waitFor(
    async () => {
      const open = await manager.cliJson<{ id: string; status: string }[]>('approval', 'list', project)
      approval = open.find(({ status }) => status === 'open')?.id.slice(0, 8)
      if (approval === undefined && build !== undefined) await requireUnended(manager, project, build)
      return approval !== undefined
    },
    () => `nobody was asked to approve anything: npx fairway build list ${project}`,
    { deadlineMs: 300_000, everyMs: 300 },
  )
  command(`fairway approval approve ${approval}   # as ${manager.member}, a release manager`)
  process.stdout.write(await manager.cli('approval', 'approve', approval ?? '', '--yes', '--note', 'Read it'))
}

async function requireUnended(stack: Stack, project: string, number: number): Promise<void> {
  const build = await stack.cliJson<{ status: string; reason: string }>(
    'build',
    'show',
    project,
    String(number),
  )
  if (['queued', 'running'].includes(build.status)) return
  const how = build.reason ? `${build.status}: ${build.reason}` : build.status
  throw new Error(
    `build ${number} asked for no approval, it ended (${how}): npx fairway build show ${project} ${number}`,
  )
}

/** What an auditor does: reads the report, pulls the evidence of a production build, checks it without Fairway. */
export async function showProof(stack: Stack, project: string, build: number): Promise<void> {
  command(`fairway report releases --project ${project}`)
  process.stdout.write(await stack.cli('report', 'releases', '--project', project))
  const bundle = stack.path('evidence', `${project}-${build}`)
  await rm(bundle, { recursive: true, force: true })
  await mkdir(stack.path('evidence'), { recursive: true })
  command(`fairway evidence pull ${project} ${build} -o ${bundle}`)
  await stack.cli('evidence', 'pull', project, String(build), '-o', bundle)
  command(`sh ${bundle}/verify.sh   # needs sh and openssl, and nothing of Fairway's`)
  process.stdout.write(await run('sh', [`${bundle}/verify.sh`]))
  command('fairway audit verify --online')
  process.stdout.write(await stack.cli('audit', 'verify', '--online'))
  say(`the report as a page to print and file: npx fairway report releases -o releases.html`)
}
