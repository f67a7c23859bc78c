const codes = { red: 31, green: 32, yellow: 33, blue: 34, cyan: 36, dim: 2, bold: 1 } as const

export type Colour = keyof typeof codes
export type Paint = (colour: Colour, text: string) => string

export const painter =
  (enabled: boolean): Paint =>
  (colour, text) =>
    enabled && text !== '' ? `\x1b[${codes[colour]}m${text}\x1b[0m` : text

const byWord: Record<string, Colour> = {
  green: 'green',
  succeeded: 'green',
  approved: 'green',
  allowed: 'green',
  running: 'green',
  online: 'green',
  yellow: 'yellow',
  queued: 'yellow',
  pending: 'yellow',
  open: 'yellow',
  frozen: 'yellow',
  'needs-approval': 'yellow',
  stopped: 'dim',
  superseded: 'dim',
  cancelled: 'dim',
  destroyed: 'dim',
  void: 'dim',
  expired: 'dim',
  used: 'dim',
  red: 'red',
  failed: 'red',
  stuck: 'red',
  rejected: 'red',
  forbidden: 'red',
  'put-back': 'red',
  'review-open': 'red',
  'timed-out': 'red',
  offline: 'red',
  incompatible: 'red',
}

/** A status or result in the colour people expect. */
export function paintWord(paint: Paint, word: string): string {
  const colour = byWord[word]
  return colour ? paint(colour, word) : word
}
