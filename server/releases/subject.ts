import type { RehearsalRecord } from '../db/record.ts'
import { downtimeSeconds } from './downtime.ts'
import type { Plan } from './plan.ts'

/** The rehearsal that an approval goes by. */
export interface SubjectRehearsal {
  readonly run: string
  readonly verdict: string
  readonly downtimeSeconds: number
}

/** `run` made it. */
export const subjectRehearsal = (
  run: string,
  { verdict, downtimeMs }: RehearsalRecord,
): SubjectRehearsal => ({ run, verdict, downtimeSeconds: downtimeSeconds(downtimeMs) })

/**
 * Exactly what is approved: this image in this environment, this plan, as that rehearsal showed it. A new commit, another
 * plan, and a change of production all make it another subject.
 */
export const deploySubject = ({ document, sha256 }: Plan, rehearsal: SubjectRehearsal | null) => ({
  project: document.project,
  environment: document.environment,
  action: 'production-deploy',
  commit: document.candidate.commit,
  digest: document.candidate.digest,
  lock: document.candidate.lock,
  cell: document.cell,
  replaces: document.replaces,
  modules: { install: document.install, update: document.update },
  plan: sha256,
  rehearsal,
})

/** A subject that was kept, as far as others go by it; one of before there were releases has neither. */
export const readDeploySubject = (
  subject: string,
): { readonly plan?: string; readonly rehearsal?: SubjectRehearsal | null } => JSON.parse(subject)

/** One line for people. */
export function describeDeploy({ document, source }: Plan): string {
  const part = (verb: string, names: readonly string[]) =>
    names.length > 0 ? [`${verb} ${names.join(', ')}`] : []
  const changes = [...part('installs', document.install), ...part('updates', document.update)].join(', ')
  const fresh = document.replaces === null ? 'new database: ' : ''
  return (
    `Deploy build ${source.buildNumber} (${source.commit.slice(0, 10)}) to ` +
    `${document.project}/${document.environment}; ${fresh}${changes || 'no module changes'}`
  )
}

/** Of `Ana Author <ana@example.org>`. */
export const emailOf = (author: string): string => (/<([^<>]*)>\s*$/.exec(author)?.[1] ?? author).trim()
