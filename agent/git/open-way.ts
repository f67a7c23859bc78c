import type { Dialer } from '../egress/dial.ts'
import { explainTrouble } from './explain-fetch.ts'
import type { HostAccess } from './host-access.ts'
import { findTrouble, openWayOut, type WayOut } from './way-out.ts'

/** The way to the address's host, as far as `access` reaches. Throws TaskError `repository-not-allowed`, `-unreachable`. */
export async function openWay(
  dialer: Dialer,
  url: string,
  access: HostAccess | undefined,
  signal: AbortSignal,
): Promise<WayOut> {
  return openWayOut(dialer, url, access?.networkAllow ?? [], signal).catch((error: Error) => {
    throw explainTrouble(findTrouble(error) ?? {}, url, error) ?? error
  })
}
