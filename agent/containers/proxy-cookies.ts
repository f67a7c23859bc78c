/** What Go's regular expressions, and browsers, may take for blank; Go turns line ends into blanks when it writes. */
const blank = String.raw`[\x00-\x20]*`

/** Of every cookie: where it may go beyond the host name that set it. `[^;]*` knows no quotes, as browsers do not. */
const domainAttribute = `(?i);${blank}domain${blank}=[^;]*`

/** Odoo's session, up to its attributes. */
const sessionCookie = `^(${blank}session_id${blank}=[^;]*)`

const firstAttributes = '^([^;]*)'

/**
 * What becomes of an environment's answer before it reaches a browser, as a handler of Caddy's around the proxy itself:
 * the proxy's own header operations leave out the answer that opens a websocket, whose cookies browsers take as well. An environment
 * speaks for its own host name alone:
 *
 * - No cookie has a Domain: it stays with the host that set it, and neither another environment nor a parent gets it.
 * - Odoo's session is `SameSite=Lax` unless it says otherwise (of two such attributes browsers take the last).
 * - Over https every cookie is Secure.
 * - Clear-Site-Data is gone: its `cookies` would log people out of every host below the registrable domain.
 *
 * What scripts in a page do (`document.cookie`) passes no proxy: only another registrable domain keeps that apart.
 */
export const guardAnswer = ({ https }: { https: boolean }): object => ({
  handler: 'headers',
  response: {
    deferred: true,
    delete: ['Clear-Site-Data'],
    replace: {
      'Set-Cookie': [
        { search_regexp: domainAttribute, replace: '' },
        { search_regexp: sessionCookie, replace: '$1; SameSite=Lax' },
        ...(https ? [{ search_regexp: firstAttributes, replace: '$1; Secure' }] : []),
      ],
    },
  },
})
