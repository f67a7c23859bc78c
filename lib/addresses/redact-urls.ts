/** A text whose addresses have no user name and no password any more: what may be shown and logged. */
export const redactUrls = (text: string): string => text.replace(/(?<=\w:\/\/)[^/\s]*@/g, '')
