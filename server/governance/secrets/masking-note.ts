import { judgeValue } from '../../../lib/masking/judge-value.ts'

/** Shorter ones are not recognised in every form in which logs may show them: base64 shares characters with neighbours. */
const inEveryForm = 8

/** What whoever sets a secret has to know of how its value is masked; empty: nothing. Never says the value. */
export function maskingNote(value: string): string {
  const { reach, because } = judgeValue(value)
  if (reach === 'nowhere') {
    return (
      `This value will not be masked: ${because}, and logs are full of such. ` +
      'If it is no secret, write it into fairway.yaml under `environment:`, where everybody can read it; if it is one, choose another value.'
    )
  }
  if (value.length < inEveryForm) {
    return `It has fewer than ${inEveryForm} characters: logs cannot mask it in every form. Prefer a longer one.`
  }
  return ''
}

/** The same for what a build presents. */
export function credentialMaskingNote(password: string): string {
  const { reach, because } = judgeValue(password)
  if (password === '' || reach !== 'nowhere') return ''
  return `This password will not be masked: ${because}, and logs are full of such. Choose another one.`
}
