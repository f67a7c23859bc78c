/** What to do where a host wants another credential, or any; the end of a message. */
export const credentialAdvice = (kind: 'git' | 'python' | 'registry', host: string): string =>
  `set the project's credential for it: fairway credential set PROJECT ${kind} ${host}`
