import { randomUUID } from 'node:crypto'
import { create } from '@bufbuild/protobuf'
import type { TaskHandlers } from '../../agent/tasks/registry.ts'
import {
  BuildImageTaskSchema,
  CellStage,
  ResolveTaskSchema,
} from '../../proto/gen/fairway/agent/v1/tasks_pb.js'
import type { TestRepository } from './git-server.ts'
import { ownImages, registry } from './odoo-services.ts'
import { createTask } from './task-context.ts'

/** Commits files with addons and builds their image, as a build does; gives its reference. */
export async function buildAddonImage(
  handlers: Pick<TaskHandlers, 'resolve' | 'buildImage'>,
  repository: TestRepository,
  files: Record<string, string>,
): Promise<string> {
  await repository.commit(files)
  const resolved = await handlers.resolve(
    create(ResolveTaskSchema, {
      repositoryUrl: repository.url,
      branch: 'main',
      stage: CellStage.DEVELOPMENT,
      odooVersion: '19.0',
      defaultBaseImage: `${registry}/fairway/odoo:19.0`,
      imageRules: ownImages,
      imageRepository: `${registry}/test/shop`,
    }),
    createTask().context,
  )
  const { reference } = await handlers.buildImage(
    create(BuildImageTaskSchema, {
      repositoryUrl: repository.url,
      commit: resolved.commit,
      baseImage: resolved.baseImage,
      imageRules: ownImages,
      addons: resolved.addons,
      // A key of its own for each run of the tests, or the registry would have it from the last one.
      imageKey: randomUUID().replaceAll('-', '').repeat(2),
      imageRepository: `${registry}/test/shop`,
    }),
    createTask().context,
  )
  return reference
}
