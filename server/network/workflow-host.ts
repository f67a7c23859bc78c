/** Where the repositories are whose workflows an issuer signs for: GitHub's, or a GitHub Enterprise server's own. */
export function hostOfWorkflows(issuer: string): string {
  const { hostname } = new URL(issuer)
  // Of GitHub Enterprise with data residency: token.actions.acme.ghe.com.
  return hostname === 'token.actions.githubusercontent.com'
    ? 'github.com'
    : hostname.replace(/^token\.actions\./, '')
}
