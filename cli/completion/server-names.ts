import { BranchService } from '../../proto/gen/fairway/v1/branches_pb.js'
import { EnvironmentService } from '../../proto/gen/fairway/v1/environments_pb.js'
import { HostService } from '../../proto/gen/fairway/v1/hosts_pb.js'
import { ProjectService } from '../../proto/gen/fairway/v1/projects_pb.js'
import type { NamedKind } from '../reference/candidates.ts'
import type { Session } from '../session.ts'
import { plainName } from './places.ts'

type Asking = Pick<Session, 'client' | 'signal'>

const asks: Record<NamedKind, (session: Asking) => Promise<string[]>> = {
  async projects({ client, signal }) {
    const { projects } = await (await client(ProjectService)).listProjects({}, { signal })
    return projects.map(({ name }) => name)
  },
  async branches({ client, signal }) {
    const { branches } = await (await client(BranchService)).listBranches({}, { signal })
    return branches.map(({ name }) => name)
  },
  async environments({ client, signal }) {
    const { environments } = await (await client(EnvironmentService)).listEnvironments({}, { signal })
    return environments.map(({ project, name }) => `${project}/${name}`)
  },
  async hosts({ client, signal }) {
    const { hosts } = await (await client(HostService)).listHosts({}, { signal })
    return hosts.map(({ name }) => name)
  },
}

/** Each once, and only those that no shell could take for anything else. */
export async function listNames(kind: NamedKind, session: Asking): Promise<string[]> {
  const names = await asks[kind](session)
  return [...new Set(names)].filter((name) => plainName.test(name)).toSorted()
}
