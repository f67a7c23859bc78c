/** `URL.parse`, which Node 20 does not have yet. */
export const parseUrl = (text: string): URL | undefined => (URL.canParse(text) ? new URL(text) : undefined)
