import { mkdir, rm } from 'node:fs/promises'
import { run } from '../command.ts'
import { waitFor } from '../wait-for.ts'
import { command, say } from './say.ts'
import type { Stack } from './stack.ts'

/** Approves what the build of production waits for, as somebody who did not ask for it. */
export async function approveDeployment(manager: Stack, project: string): Promise<void> {
  let approval: string | undefined
  await waitFor(
    async () => {
      const open = await manager.cliJson<{ id: string; status: string }[]>('approval', 'list', project)
      approval = open.find(({ status }) => status === 'open')?.id.slice(0, 8)
      return approval !== undefined
    },
    () => `the production build asked for no approval: npx fairway build list ${project}`,
    { deadlineMs: 300_000, everyMs: 300 },
  )
  command(`fairway approval approve ${approval}   # as ${manager.member}, a release manager`)
  process.stdout.write(await manager.cli('approval', 'approve', approval ?? '', '--yes', '--note', 'Read it'))
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
