declare module 'oidc-provider' {
  import type { RequestListener } from 'node:http'

  /** What our tests use of it; the package brings no types. */
  export default class Provider {
    constructor(issuer: string, configuration: Record<string, unknown>)
    callback(): RequestListener
  }
}
