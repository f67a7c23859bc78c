import { runKinds } from '../../operations/kinds.ts'
import type { RunManifest } from '../record/run-manifest.ts'
import type { ProvenEvents } from './audit-members.ts'
import type { LogFile } from './log-members.ts'

interface Missing {
  readonly what: string
  readonly why: string
}

/** What the bundle holds and what it does not, and why: the document COMPLETENESS.json. */
export function completenessOf(
  manifest: RunManifest,
  statements: readonly string[],
  files: readonly LogFile[],
  audit: ProvenEvents,
) {
  return {
    version: 1,
    run: manifest.run.id,
    statements,
    logs: {
      complete: manifest.logs.complete,
      files: files.map(({ path, step, streams }) => ({
        path,
        step,
        streams: streams.map((stream) => ({
          task: stream.task,
          attempt: stream.epoch,
          host: stream.host,
          kept: rangeOf(1, stream.lastSequence),
          notArrived: rangeOf(stream.lastSequence + 1, stream.writtenSequence),
          gaps: stream.gaps,
          lost: stream.lost,
        })),
      })),
    },
    clocks: manifest.hosts.map(({ name, clockOffsetMs }) => ({ host: name, aheadOfServerMs: clockOffsetMs })),
    audit: { treeSize: audit.size, events: audit.events.map(({ index }) => index) },
    missing: missingOf(manifest, statements),
  }
}

const rangeOf = (from: number, to: number) => (to >= from ? { from, to } : null)

/** Why a run may be without one of the statements there are. */
const whyWithout: Readonly<Record<string, string>> = {
  provenance: 'the run made no image',
  tests: 'no test was run',
  clone: 'no database was cloned',
  rehearsal: 'no update of production was tried',
  deploy: 'nothing was deployed',
  approval: 'nothing that the run did was asked an approval for',
}

function missingOf(manifest: RunManifest, statements: readonly string[]): Missing[] {
  const without = Object.entries(whyWithout)
    .filter(([name]) => !statements.includes(name))
    .map(([name, why]) => ({ what: `statements/${name}`, why }))
  const streams = manifest.logs.streams.flatMap((stream): Missing[] => {
    const what = `logs of ${stream.step}, task ${stream.task}`
    const { lastSequence, writtenSequence, gaps, lost } = stream
    return [
      ...gaps.map(({ sequence, lines }) => ({
        what: `${what}, ${lines} lines at sequence ${sequence}`,
        why: 'the agent’s disk had no room for them',
      })),
      ...(writtenSequence > lastSequence
        ? [
            {
              what: `${what}, sequences ${lastSequence + 1} to ${writtenSequence}`,
              why: 'they had not arrived half a minute after the last task of the run',
            },
          ]
        : []),
      ...(lost
        ? [{ what: `${what}, its end`, why: 'the host was lost: nobody knows what it had still to say' }]
        : []),
    ]
  })
  const clocks = manifest.hosts
    .filter(({ clockOffsetMs }) => clockOffsetMs === null)
    .map(({ name }) => ({
      what: `clock offset of ${name}`,
      why: 'its agent did not say what its clock showed',
    }))
  const image: Missing[] = manifest.digest
    ? [
        {
          what: 'image',
          why: `it is in the registry as ${manifest.digest}; the bundle names it by its digest`,
        },
        ...sbomOf(manifest),
      ]
    : []
  return [...without, ...streams, ...clocks, ...image]
}

/** Of a run that has an image. */
function sbomOf({ run, sbomSha256 }: RunManifest): Missing[] {
  if (sbomSha256) return []
  return [{ what: 'SBOM', why: whyWithoutSbom(run.kind, sbomSha256) }]
}

function whyWithoutSbom(kind: RunManifest['run']['kind'], sbomSha256: string | undefined): string {
  if (runKinds[kind].image !== 'makes')
    return 'the run took an image as it was: the build that made it has it'
  return sbomSha256 === undefined
    ? 'the image was built by a version of Fairway that makes no software bill of materials'
    : 'it is larger than an artifact may be'
}
