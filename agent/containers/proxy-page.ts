/** What the proxy itself answers with. */
export function pageOf(status: number, text: string): string {
  // Braces would be taken for Caddy's placeholders.
  const safe = text.replace(/[&<>"'{}]/g, (character) => `&#${character.charCodeAt(0)};`)
  return `<!doctype html><meta name="viewport" content="width=device-width"><title>${status}</title><p style="font: 16px sans-serif; margin: 20vh auto; max-width: 32em; text-align: center">${safe}</p>\n`
}
