import type { EnvironmentRef } from '../../../proto/gen/fairway/v1/environments_pb.js'
import type { AppContext } from '../../context.ts'
import { audit } from '../../db/audit.ts'
import { withTenant } from '../../db/tenancy.ts'
import { wrongState } from '../../errors.ts'
import { openAdministrator } from '../../governance/administrator-password.ts'
import { authorize, type Caller } from '../../governance/authorize.ts'
import { requireEnvironment } from './environment-views.ts'

export interface SignIn {
  readonly login: string
  readonly password: string
}

/** How one signs in to a copy of production as its administrator; each look is on record. Throws `no-sign-in`. */
export async function revealSignIn(
  { db, sealer }: AppContext,
  caller: Caller,
  ref: EnvironmentRef | undefined,
): Promise<SignIn> {
  return await withTenant(db, caller, async (tx) => {
    const environment = await requireEnvironment(tx, ref)
    await authorize(tx, caller, 'environment.sign-in', { projectId: environment.project_id, environment })
    const cell = environment.cell_id
      ? await tx
          .selectFrom('cells')
          .select(['id', 'administrator_login', 'administrator_sealed'])
          .where('id', '=', environment.cell_id)
          .executeTakeFirst()
      : undefined
    const name = `${environment.project}/${environment.name}`
    if (!cell?.administrator_sealed) {
      throw wrongState(
        'no-sign-in',
        `${name} has no password that was made for it: only copies of production get one, with ` +
          '`neutralization.passwords: reset` in the policy (fairway policy show).',
      )
    }
    const subject = { kind: 'environment', id: environment.id, projectId: environment.project_id }
    const login = cell.administrator_login
    const details = { project: environment.project, environment: environment.name, login, cellId: cell.id }
    await audit(tx, caller, 'environment.sign-in', subject, details)
    return { login, password: openAdministrator(sealer, cell.id, cell.administrator_sealed) }
  })
}
