import type { DeliveryName, Forge, Headed } from './forge.ts'
import type { Proof } from './proof.ts'
import { forgeOf } from './recognize.ts'

/** What the headers say of a delivery. */
export interface Heading {
  readonly forge: Forge
  readonly name: DeliveryName
  readonly proof: Proof
  /** Empty where the headers do not say it. */
  readonly actor: string
}

/** The one answer to whoever is not known. */
export const stranger = 'unknown repository or bad signature'

/** What is refused whoever it names, before anything of it is read. */
export class RefusedDelivery extends Error {
  override name = 'RefusedDelivery'
  readonly statusCode: 400 | 401
  constructor(statusCode: 400 | 401, message: string) {
    super(message)
    this.statusCode = statusCode
  }
}

/** Throws RefusedDelivery for what is no delivery, and for one that no secret could prove. */
export function requireHeading(request: Headed): Heading {
  const forge = forgeOf(request)
  const name = forge.findName(request)
  if (!name) throw new RefusedDelivery(400, `${forge.neededHeaders} are needed`)
  const proof = forge.findProof(request)
  if (!proof) throw new RefusedDelivery(401, stranger)
  return { forge, name, proof, actor: forge.findActor?.(request) ?? '' }
}
