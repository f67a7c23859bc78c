import type { LockedApt, LockedPython } from '../../../lib/repository/lock.ts'
import {
  aptPinnedName,
  aptVersion,
  pythonName,
  pythonVersion,
  sha256Hash,
} from '../../../lib/repository/package-patterns.ts'
import type { BuildImageTask } from '../../../proto/gen/fairway/agent/v1/tasks_pb.js'
import { requireRepository } from '../../containers/registry-credentials.ts'
import { TaskError } from '../task.ts'

/** What comes from a server, before it becomes arguments, paths and lines of a recipe; the image's repository. */
export function requireInput({ imageRepository, imageKey, addons, python, apt }: BuildImageTask): string {
  const repository = requireRepository(imageRepository)
  if (!/^[0-9a-f]{64}$/.test(imageKey)) throw new TaskError('bad-input', 'the image key is no SHA-256')
  for (const { path } of addons)
    if (path !== '' && (path.startsWith('/') || path.split('/').includes('..')))
      throw new TaskError('bad-input', `${path} is no folder of a repository`)
  const bad = [...python.filter((one) => !isPinnedPython(one)), ...apt.filter((one) => !isPinnedApt(one))][0]
  if (bad)
    throw new TaskError(
      'bad-input',
      `${JSON.stringify(`${bad.name} ${bad.version}`.slice(0, 100))} is no pinned package`,
    )
  return repository
}

const isPinnedPython = ({ name, version, hashes }: LockedPython): boolean =>
  pythonName.test(name) &&
  pythonVersion.test(version) &&
  hashes.length > 0 &&
  hashes.every((hash) => sha256Hash.test(hash))

const isPinnedApt = ({ name, version }: LockedApt): boolean =>
  aptPinnedName.test(name) && aptVersion.test(version)
