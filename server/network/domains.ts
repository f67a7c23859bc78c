import { getDomain } from 'tldts'

/**
 * The registrable domain of host names directly below this one: what browsers hold for one site, and the widest that a
 * page there may set cookies for. By the public suffix list, private suffixes included, as browsers read it; a last label
 * that it does not know (`localhost`, `internal`) counts as a suffix. Undefined for an address.
 */
export const siteBelow = (domain: string): string | undefined =>
  getDomain(`x.${domain}`, { allowPrivateDomains: true }) ?? undefined

/** Why previews below `preview` would not be another site than production below `production`; undefined: they are. */
export function findDomainFault(production: string, preview: string): string | undefined {
  const instead = 'give it a registrable domain of its own, like example.net beside example.com'
  const [site, previewSite] = [siteBelow(production), siteBelow(preview)]
  if (!previewSite) return `${preview} is no domain: ${instead}`
  if (preview === production) return `it equals FAIRWAY_DOMAIN: ${instead}`
  if (isBelow(preview, production)) return `it is below FAIRWAY_DOMAIN (${production}): ${instead}`
  if (isBelow(production, preview)) return `FAIRWAY_DOMAIN (${production}) is below it: ${instead}`
  if (site === previewSite)
    return `to a browser ${preview} and FAIRWAY_DOMAIN (${production}) are one site, ${site}: ${instead}`
  return undefined
}

const isBelow = (name: string, domain: string) => name.endsWith(`.${domain}`)
