import { ServerCredentials } from '@grpc/grpc-js'

/**
 * TLS for the one port: a client certificate is asked for but may be absent, since enrolment has none yet. Whether a
 * peer may call anything else is decided for each call (authenticate.ts), and a certificate that does not verify
 * counts there as none.
 */
export class LinkCredentials extends ServerCredentials {
  constructor(authority: string, server: { key: string; chain: string }) {
    super(
      { requestCert: true, rejectUnauthorized: false, minVersion: 'TLSv1.3' },
      { ca: authority, key: server.key, cert: server.chain },
    )
  }

  /** For a server certificate that is about to end; connections that stand are not touched. */
  replace(authority: string, server: { key: string; chain: string }): void {
    this.updateSecureContextOptions({ ca: authority, key: server.key, cert: server.chain })
  }

  override _equals(other: ServerCredentials): boolean {
    return other === this
  }
}
