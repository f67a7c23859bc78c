import type { ProjectConfig } from '../../proto/gen/fairway/agent/v1/tasks_pb.js'
import { TaskError } from '../faults/task-error.ts'
import type { ProjectModules } from '../repository/close-stages.ts'
import { fairwayFileName } from '../repository/fairway-yaml.ts'

/**
 * `renamed` of fairway.yaml: the former name has left the code, and the one that takes over is in it. Anything else would
 * come out where the data are, or not at all.
 *
 * @param mayComeYet whether there may be more modules than are known by now.
 * @throws TaskError `config-invalid`.
 */
export function requireRenames(
  { renamed }: Pick<ProjectConfig, 'renamed'>,
  modules: ProjectModules,
  mayComeYet: boolean,
): void {
  const has = (name: string) => modules.own.has(name) || modules.image.has(name)
  for (const [from, to] of Object.entries(renamed)) {
    if (has(from))
      throw invalid(
        `\`renamed.${from}\`: ${from} is still here: remove it, or this line of ${fairwayFileName}`,
      )
    if (to in renamed) throw invalid(`\`renamed.${from}\`: name what ${to} became at last: ${renamed[to]}`)
    if (!has(to) && !mayComeYet) throw invalid(`\`renamed.${from}\`: there is no module ${to}`)
  }
}

const invalid = (text: string) => new TaskError('config-invalid', `${fairwayFileName}: ${text}`)
