import { Stage } from '../proto/gen/fairway/v1/common_pb.js'
import { usageError } from './errors.ts'

const stages: Record<string, Stage> = {
  production: Stage.PRODUCTION,
  staging: Stage.STAGING,
  development: Stage.DEVELOPMENT,
}

/** `release/*=staging` */
export function parseRule(text: string): { pattern: string; stage: Stage } {
  const at = text.lastIndexOf('=')
  const stage = stages[text.slice(at + 1)]
  if (at < 1 || !stage) {
    throw usageError(`${text} is no branch rule: give PATTERN=STAGE with production, staging or development.`)
  }
  return { pattern: text.slice(0, at), stage }
}
