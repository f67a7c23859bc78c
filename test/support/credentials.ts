import { create } from '@bufbuild/protobuf'
import { type Credential, SetCredentialRequestSchema } from '../../proto/gen/fairway/v1/credentials_pb.js'
import type { AppContext } from '../../server/context.ts'
import { setCredential } from '../../server/services/credentials/credentials.ts'
import type { Tenant } from './tenant.ts'

export interface WantedCredential {
  readonly kind: string
  readonly host: string
  readonly username?: string
  readonly password?: string
  readonly sshKey?: string
  readonly deployKey?: boolean
}

/** A credential of the tenant's project; a password where nothing else is asked for. */
export async function arrangeCredential(
  context: AppContext,
  tenant: Pick<Tenant, 'caller' | 'project'>,
  wanted: WantedCredential,
): Promise<Credential> {
  const form = wanted.sshKey || wanted.deployKey ? {} : { password: 'a-password-nobody-else-has' }
  const request = create(SetCredentialRequestSchema, { ...form, ...wanted, project: tenant.project })
  return await setCredential(context, tenant.caller, request)
}
