import type { Stage } from '../../db/tables/projects.ts'

/**
 * Where an environment answers; the first is the one people are shown. Production answers at the project's own name as
 * well. All else is below the preview domain, so that it is another site than production to a browser. Names are made
 * when something is deployed: what runs keeps its own until then.
 */
export function hostnamesOf(
  { stage, environment, project }: { stage: Stage; environment: string; project: string },
  { domain, previewDomain }: { domain: string; previewDomain: string },
): string[] {
  return stage === 'production'
    ? [`${project}.${domain}`, `${environment}.${project}.${domain}`]
    : [`${environment}.${project}.${previewDomain}`]
}
