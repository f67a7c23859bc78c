import { requireConfirmed } from './confirm.ts'
import type { Session } from './session.ts'

/** Deliveries that are signed with the old secret are refused from then on. Throws as `requireConfirmed` does. */
export async function confirmRotation(session: Session, project: string, yes: boolean): Promise<void> {
  const question = `Make a new secret for ${project}’s webhook, and end the old one?`
  await requireConfirmed(session, question, yes, { permission: 'project.manage', project })
}
