import type { PlannedModuleJson, RequirementJson } from '../json/release-plan.ts'
import { type Look, listing } from './listing.ts'

const actionColours = {
  install: 'green',
  update: 'yellow',
  renamed: 'yellow',
  gone: 'red',
  none: 'dim',
} as const

/** What happens to which module, and why. */
export function moduleTable(look: Look, modules: readonly PlannedModuleJson[]): string[] {
  return listing(look, modules, [
    { title: 'MODULE', value: ({ name }) => name },
    {
      title: 'ACTION',
      value: ({ action }) => action,
      paint: (text, { action }) =>
        look.paint(actionColours[action as keyof typeof actionColours] ?? 'dim', text),
    },
    { title: 'VERSION', value: versionChange },
    { title: 'WHY', value: ({ why }) => why },
  ])
}

function versionChange({ versionBefore, versionAfter, missingBump }: PlannedModuleJson): string {
  if (missingBump) return `${versionAfter} (not raised)`
  if (versionBefore === versionAfter || !versionBefore) return versionAfter ?? ''
  return `${versionBefore} → ${versionAfter ?? '–'}`
}

export function requirementTable(look: Look, requirements: readonly RequirementJson[]): string[] {
  return listing(look, requirements, [
    { title: 'REQUIREMENT', value: ({ kind, name }) => [kind, name].filter(Boolean).join(' ') },
    { title: 'CHANGE', value: requirementChange },
  ])
}

function requirementChange({ before, after }: RequirementJson): string {
  if (before === null) return `new: ${after ?? 'any version'}`
  return after === null ? `gone: ${before}` : `${before} → ${after}`
}
