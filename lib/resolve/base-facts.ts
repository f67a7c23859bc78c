import type { ProjectConfig } from '../../proto/gen/fairway/agent/v1/tasks_pb.js'
import { TaskError } from '../faults/task-error.ts'
import type { ImageModules } from './image-modules.ts'

/** What is in a base image, as far as a project's files are judged by it. */
export interface BaseFacts extends ImageModules {
  /** `19.0`; empty where the image does not say. */
  readonly odooVersion: string
  /** Names of programs on its PATH. */
  readonly executables: readonly string[]
}

/** @throws TaskError `version-mismatch`. */
export function requireVersion(
  { baseImage, odooVersion }: Pick<ProjectConfig, 'baseImage' | 'odooVersion'>,
  facts: Pick<BaseFacts, 'odooVersion'>,
): void {
  if (!odooVersion || !facts.odooVersion || odooVersion === facts.odooVersion) return
  throw new TaskError(
    'version-mismatch',
    `the project is for Odoo ${odooVersion}, but ` +
      `the base image ${baseImage} holds Odoo ${facts.odooVersion}: change one of them in fairway.yaml`,
  )
}
