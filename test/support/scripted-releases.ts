import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import type { MessageInitShape } from '@bufbuild/protobuf'
import { Code, ConnectError, type ServiceImpl } from '@connectrpc/connect'
import { connectNodeAdapter } from '@connectrpc/connect-node'
import { ApprovalService } from '../../proto/gen/fairway/v1/approvals_pb.js'
import { Result, RunStatus } from '../../proto/gen/fairway/v1/common_pb.js'
import { MemberService } from '../../proto/gen/fairway/v1/members_pb.js'
import { ProjectService } from '../../proto/gen/fairway/v1/projects_pb.js'
import { ReleaseService } from '../../proto/gen/fairway/v1/releases_pb.js'
import { type RunSchema, RunService } from '../../proto/gen/fairway/v1/runs_pb.js'
import { planSha256, runIds, sampleApproval, sampleEntry, samplePlan } from './release-messages.ts'

export interface ScriptedReleases {
  readonly env: Record<string, string>
  /** What the command line asked to be done, in order: method and request. */
  readonly asked: readonly (readonly [method: string, request: Record<string, unknown>])[]
  /** Replaces answers; until the next `play`. */
  play(answers: Partial<ServiceImpl<typeof ReleaseService>>, ...runs: RunState[]): void
  close(): Promise<void>
}

type RunState = MessageInitShape<typeof RunSchema>

export const succeeded: RunState = { status: RunStatus.SUCCEEDED, result: Result.GREEN }
export const failed = (reason: string): RunState => ({ status: RunStatus.FAILED, result: Result.RED, reason })
export const waitsForApproval: RunState = {
  status: RunStatus.RUNNING,
  steps: [
    {
      name: 'approve',
      status: RunStatus.RUNNING,
      summary: 'waits for approval 1f0c2a9e (by an owner): fairway approval show 1f0c2a9e',
    },
  ],
}

/**
 * Real requests to a server whose answers about releases are given: what the command line makes of each of them. Every run
 * takes the states of `play` in turn, one for each time it is asked about, and stays in the last.
 */
export async function startScriptedReleases(): Promise<ScriptedReleases> {
  const asked: [string, Record<string, unknown>][] = []
  let answers: Partial<ServiceImpl<typeof ReleaseService>> = {}
  let runs: RunState[] = []
  const base: Partial<ServiceImpl<typeof ReleaseService>> = {
    planRelease: () => ({ plan: samplePlan() }),
    promoteRelease: () => ({ runId: runIds.promotion }),
    rehearseRelease: () => ({ runId: runIds.rehearsal }),
    startRollback: () => ({ runId: runIds.promotion }),
    countRollbackLoss: () => ({ runId: runIds.count }),
    listReleases: () => ({ releases: [sampleEntry()] }),
  }
  const release = Object.fromEntries(
    ReleaseService.methods.map(({ localName }) => [
      localName,
      async (request: Record<string, unknown>, context: never) => {
        const { $typeName: _, ...fields } = request
        asked.push([localName, fields])
        const method = { ...base, ...answers }[localName] as
          | ((request: unknown, context: never) => unknown)
          | undefined
        if (!method) throw new ConnectError(`${localName} is not in the script`, Code.Unimplemented)
        return await method(request, context)
      },
    ]),
  ) as unknown as ServiceImpl<typeof ReleaseService>

  const server = createServer(
    connectNodeAdapter({
      routes(router) {
        router.service(ReleaseService, release)
        router.service(ApprovalService, {
          listApprovals: () => ({ approvals: [sampleApproval({ runId: runIds.promotion })] }),
        })
        router.service(MemberService, {
          explainAccess: () => ({ allowed: true, rule: 'it is in the script' }),
        })
        router.service(ProjectService, { listProjects: () => ({ projects: [{ name: 'acme' }] }) })
        router.service(RunService, {
          getRun({ runId }) {
            const state = runs.length > 1 ? runs.shift() : runs[0]
            return {
              run: { id: runId, kind: 'promote', project: 'acme', environment: 'production', ...state },
            }
          },
          listRuns: () => ({
            runs: runs.map((state) => ({
              id: runIds.promotion,
              kind: 'promote',
              project: 'acme',
              environment: 'production',
              ...state,
            })),
          }),
        })
      },
    }),
  )
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const { port } = server.address() as AddressInfo
  return {
    env: { FAIRWAY_SERVER: `http://127.0.0.1:${port}`, FAIRWAY_TOKEN: `ft_${'a'.repeat(43)}` },
    asked,
    play(next, ...states) {
      answers = next
      runs = states
      asked.length = 0
    },
    async close() {
      server.closeAllConnections()
      await new Promise((resolve) => server.close(resolve))
    },
  }
}

export const planHasChanged = () => {
  throw new ConnectError(`the plan is another one than ${planSha256.slice(0, 12)}`, Code.Aborted)
}
