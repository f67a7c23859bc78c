import { formatTime } from '../../../lib/words/times.ts'
import type { EnvironmentRef } from '../../../proto/gen/fairway/v1/environments_pb.js'
import type { AppContext } from '../../context.ts'
import { audit } from '../../db/audit.ts'
import { actAsServer, type Tx, withTenant } from '../../db/tenancy.ts'
import { wrongState } from '../../errors.ts'
import { againUntil, openAdministrator } from '../../governance/administrator-password.ts'
import { authorize, type Caller } from '../../governance/authorize.ts'
import { type EnvironmentRow, requireEnvironment } from './environment-views.ts'

export interface SignIn {
  readonly login: string
  readonly password: string
  /** Until when the caller may ask again; undefined: as long as the copy is there. */
  readonly until: Date | undefined
}

/**
 * How one signs in as the administrator, with the password that was made for this cell; each look is on record. That of a
 * copy of production stays as long as the copy. Production's own is for the first who asks: they may ask again for a
 * quarter of an hour, in case the answer was lost, nobody else may, and then it is forgotten.
 *
 * Throws `no-sign-in`, `sign-in-shown`, `sign-in-expired`.
 */
export async function revealSignIn(
  { db, sealer }: AppContext,
  caller: Caller,
  ref: EnvironmentRef | undefined,
): Promise<SignIn> {
  return await withTenant(db, caller, async (tx) => {
    const environment = await requireEnvironment(tx, ref)
    const { project_id: projectId } = environment
    await authorize(tx, caller, 'environment.sign-in', { projectId, environment })
    // Nobody's permission opens the table of cells; that this one was shown follows from the one they have.
    await actAsServer(tx, [projectId])
    const cell = await lockCell(tx, environment)
    if (!cell.administrator_sealed) throw gone(environment, cell)
    const until = cell.administrator_expires_at && (await show(tx, caller, environment, cell))
    const subject = { kind: 'environment', id: environment.id, projectId }
    const login = cell.administrator_login
    const details = { project: environment.project, environment: environment.name, login, cellId: cell.id }
    await audit(tx, caller, 'environment.sign-in', subject, details)
    return {
      login,
      password: openAdministrator(sealer, cell.id, cell.administrator_sealed),
      until: until ?? undefined,
    }
  })
}

type Cell = Awaited<ReturnType<typeof lockCell>>

/** Two who ask at the same time are one after the other. */
async function lockCell(tx: Tx, environment: EnvironmentRow) {
  const cell = environment.cell_id
    ? await tx
        .selectFrom('cells')
        .select(['id', 'administrator_login', 'administrator_sealed'])
        .select(['administrator_shown_to', 'administrator_shown_at', 'administrator_expires_at'])
        .where('id', '=', environment.cell_id)
        .forUpdate()
        .executeTakeFirst()
    : undefined
  if (cell) return cell
  throw wrongState('no-sign-in', `${nameOf(environment)} has no data yet, and so nobody who could sign in.`)
}

/** Notes who is shown a new production's password. Gives until when they may see it again. */
async function show(tx: Tx, caller: Caller, environment: EnvironmentRow, cell: Cell): Promise<Date> {
  const { administrator_shown_to: shownTo, administrator_expires_at: expiresAt } = cell
  if (!expiresAt || expiresAt <= new Date() || (shownTo !== null && shownTo !== caller.actor))
    throw gone(environment, cell)
  if (shownTo !== null) return expiresAt
  const until = againUntil()
  await tx
    .updateTable('cells')
    .set({
      administrator_shown_to: caller.actor,
      administrator_shown_at: new Date(),
      administrator_expires_at: until,
    })
    .where('id', '=', cell.id)
    .execute()
  return until
}

/** Why there is no password, and what one does without. */
function gone(environment: EnvironmentRow, cell: Cell) {
  const name = nameOf(environment)
  const { administrator_login: login, administrator_shown_to: shownTo, administrator_shown_at: at } = cell
  const lost =
    `Whoever administers ${name} gives a new one in Odoo (Settings, Users); where nobody can, root on its host does with ` +
    '`odoo shell`: docs/sign-in.md.'
  if (shownTo !== null && at)
    return wrongState(
      'sign-in-shown',
      `The password of ${login} in ${name} was shown to ${shownTo.replace(/^member:/, '')} at ${formatTime(at)}, once, ` +
        `and Fairway does not have it any more. ${lost}`,
    )
  if (login !== '' && environment.stage === 'production')
    return wrongState(
      'sign-in-expired',
      `Nobody asked in time for the password that was made for ${login} in ${name}, and Fairway does not have it any more. ${lost}`,
    )
  return wrongState(
    'no-sign-in',
    `${name} has no password that was made for it: new productions get one, and copies of production with ` +
      `\`neutralization.passwords: reset\` in the policy. How one signs in: fairway env show ${name}`,
  )
}

const nameOf = (environment: EnvironmentRow) => `${environment.project}/${environment.name}`
