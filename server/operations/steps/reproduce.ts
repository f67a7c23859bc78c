import { create, fromJson, type JsonValue } from '@bufbuild/protobuf'
import {
  type BuildImageTask,
  ImageRulesSchema,
  SecretRefSchema,
  TaskSpecSchema,
} from '../../../proto/gen/fairway/agent/v1/tasks_pb.js'
import { audit } from '../../db/audit.ts'
import { reproductionKey } from '../../db/image-builders.ts'
import type { Reproduction } from '../../db/record.ts'
import { policyInForce } from '../../governance/policy/in-force.ts'
import { credentialKinds } from '../../governance/secrets/credentials.ts'
import {
  chooseSecondHost,
  findImageTask,
  findReproduction,
  type SecondHost,
} from '../../releases/reproductions.ts'
import type { Engine, TaskInput } from '../../runs/replay.ts'
import { type BuildActions, TaskFailed } from '../../runs/types.ts'
import { inputOfAny } from '../kinds.ts'
import { imageRulesFor } from './base-image.ts'
import { rulesOf } from './code.ts'
import { credentialsFor } from './credentials.ts'
import { type EngineConfig, minutes } from './wording.ts'

/** Two hosts have to lie in the same way: one that builds an image for production, and one that builds it to compare. */
export function reproduceActions(
  engine: Engine,
  { odooImage }: EngineConfig,
): Pick<BuildActions, 'reproduce'> {
  const { tx, op, run, project, tasks } = engine.state
  // Of a push it is this run that had the image made.
  const imageRunId = inputOfAny(run).candidateRunId ?? run.id

  /** Once in the run; null: the policy does not ask. */
  const decide = (digest: string) =>
    engine.effect('reproduction', async (): Promise<{ known: Reproduction } | SecondHost | null> => {
      const { document } = await policyInForce(tx, project.id)
      if (document.promotion.reproduce === 'none') return null
      const known = await findReproduction(tx, project.id, digest)
      if (known) return { known }
      return await chooseSecondHost(tx, project.id, digest, await requireImageTask(digest))
    })

  async function requireImageTask(digest: string) {
    const task = await findImageTask(tx, imageRunId, digest)
    if (task) return task
    throw new TaskFailed(
      'not-reproduced',
      `how the image ${digest} was built is not on record: build its branch again (fairway build rebuild)`,
    )
  }

  /** What was asked for then, with what the project allows and has the credentials for now. Empty once it is asked for. */
  async function specAgain(digest: string): Promise<TaskInput<'buildImage'>> {
    const credentials = await credentialsFor(engine, reproductionKey, credentialKinds)
    if (tasks.has(reproductionKey)) return {}
    const { spec } = await requireImageTask(digest)
    const { document } = await policyInForce(tx, project.id)
    return {
      ...imageSpecOf(spec),
      // An agent that does not know `reproduce` takes what is there, and overwrites nothing.
      anew: false,
      reproduce: true,
      credentials: credentials.map((ref) => create(SecretRefSchema, ref)),
      networkAllow: document.network.allow,
      imageRules: create(ImageRulesSchema, rulesOf(await imageRulesFor(engine, odooImage))),
    }
  }

  return {
    async reproduce({ image: { digest } }) {
      const decided = await decide(digest)
      if (!decided) return
      if ('known' in decided) {
        await engine.note({ reproductions: [decided.known] })
        engine.summarize(`${decided.known.host} came to the same image`)
        return
      }
      const { host, builders } = decided
      const by = builders.join(', ')
      if (!host)
        throw new TaskFailed(
          'no-second-host',
          `the policy (promotion.reproduce) wants a second host to build the image ${digest} that ${by} built, and no ` +
            'other one is online: start one or let one join (fairway host join-token), or change the policy',
        )
      await engine.progress(`${host.name} builds the image of ${by} anew, to compare`)
      const spec = await specAgain(digest)
      const output = await engine.task(reproductionKey, 'buildImage', spec, {
        timeoutMs: minutes(20),
        hostId: host.id,
      })
      if (!output.reproduced)
        throw new TaskFailed(
          'agent-too-old',
          `the agent of ${host.name} is too old to build an image only to compare: update it, and release again`,
        )
      if (output.digest !== digest) {
        const details = { digest, builders, host: host.name, reproduced: output.digest, run: run.id }
        await engine.once('not-reproduced', () =>
          audit(tx, op, 'image.not-reproduced', { kind: 'run', id: run.id, projectId: project.id }, details),
        )
        throw new TaskFailed(
          'not-reproduced',
          `${by} built ${digest}, and ${host.name} came to ${output.digest} from the same lock: one of these hosts, or ` +
            'what they build from, is not what it should be. Find out which before anything of it is released',
        )
      }
      const at = tasks.get(reproductionKey)?.finished_at?.toISOString() ?? ''
      await engine.note({
        reproductions: [{ host: host.name, hostId: host.id, digest, run: run.id, at }],
      })
      engine.summarize(`${host.name} came to the same image as ${by}`)
    },
  }
}

/** By the policy as it is now, which may have changed since the run was asked for. Throws TaskFailed `not-reproduced`. */
export async function requireReproduced(engine: Engine, digest: string): Promise<void> {
  const { tx, project } = engine.state
  const { document } = await policyInForce(tx, project.id)
  if (document.promotion.reproduce === 'none') return
  if (engine.record.reproductions?.some((one) => one.digest === digest)) return
  throw new TaskFailed(
    'not-reproduced',
    `the policy (promotion.reproduce) wants a second host to build the image ${digest} since this was asked for: release it again`,
  )
}

function imageSpecOf(json: unknown): BuildImageTask {
  const { kind } = fromJson(TaskSpecSchema, json as JsonValue, { ignoreUnknownFields: true })
  if (kind.case !== 'buildImage') throw new Error(`A task that builds an image is one of ${kind.case}`)
  return kind.value
}
