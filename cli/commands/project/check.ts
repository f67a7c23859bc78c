import { ProjectService } from '../../../proto/gen/fairway/v1/projects_pb.js'
import { CliError } from '../../errors.ts'
import { exitCodes } from '../../exit-codes.ts'
import { checkJson } from '../../json/project.ts'
import { checkLine } from '../../repository-check.ts'
import { onlyProject } from '../../resolve.ts'
import { verb } from '../../verb.ts'

export const command = verb({
  usage: 'check [project]',
  summary: 'Ask a host whether it can read the project’s repository',
  details: 'With the credentials that the project has now, and as far as its policy lets builds go.',
  examples: [['fairway project check acme', 'after its credential was set, say']],
  async run(session, [name]) {
    const client = await session.client(ProjectService)
    const project = name ?? (await onlyProject(session))
    const { check } = await client.checkRepository({ project }, { signal: session.signal })
    const { out } = session
    if (out.json) out.printJson(check ? checkJson(check) : null)
    else if (check?.done) {
      out.line(checkLine(project, check))
      for (const branch of check.branches) out.line(`  ${branch}`)
      const more = check.branchCount - check.branches.length
      if (more > 0) out.line(`  and ${more} more`)
    }
    if (check?.done) return undefined
    if (out.json) return exitCodes.wrongState
    throw new CliError(exitCodes.wrongState, checkLine(project, check))
  },
})
