import { siteBelow } from './network/domains.ts'

interface Asked {
  readonly domain: string
  readonly previewDomain: string
  readonly publicScheme: 'http' | 'https'
  readonly insecureHttp: boolean
}

/** What the configuration may be and had better not: logged at each start, and shown to owners. */
export function warningsOf({ domain, previewDomain, publicScheme, insecureHttp }: Asked): string[] {
  const onThisMachine = domain === 'localhost' || domain.endsWith('.localhost')
  return [
    ...(domain === previewDomain
      ? [
          `Previews are of one site with production (${siteBelow(domain) ?? domain}): their pages can set cookies for ` +
            'it. Give them a registrable domain of their own in FAIRWAY_PREVIEW_DOMAIN, and deploy them again.',
        ]
      : []),
    ...(publicScheme === 'http' && !onThisMachine
      ? [
          `Environments below ${domain} are reached over plain HTTP: passwords and sessions of Odoo can be read on the ` +
            'way. Put TLS before the hosts’ proxies and set FAIRWAY_PUBLIC_SCHEME=https.',
        ]
      : []),
    ...(insecureHttp
      ? [
          'FAIRWAY_INSECURE_HTTP is set: logins and tokens may go over the network in the clear. Put a TLS proxy before ' +
            'the API and unset it.',
        ]
      : []),
  ]
}
