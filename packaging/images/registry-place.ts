/** Where Docker takes a name's first part for a registry. */
const isHost = (text: string) => /[.:]/.test(text) || text === 'localhost'

const host = /^[a-z0-9]([a-z0-9.-]*[a-z0-9])?(:\d{1,5})?$/
const part = /^[a-z0-9]+([._-]+[a-z0-9]+)*$/

/** `registry.example:5000/odoo`: a registry, and perhaps a path in it. Throws an Error that says what is wrong. */
export function requireRegistry(text: string | undefined): string {
  if (!text) throw new Error('Which registry? Give --registry HOST[/PREFIX], such as registry.example:5000.')
  const [first = '', ...parts] = text.replace(/\/$/, '').split('/')
  if (/^https?:$/.test(first))
    throw new Error(
      `${text}: a registry is named without http:// or https://, such as registry.example:5000.`,
    )
  if (!host.test(first) || !isHost(first))
    throw new Error(
      `${text} names no registry: HOST[/PREFIX], such as registry.example:5000 or 10.0.0.5:5000/odoo.`,
    )
  if (!parts.every((one) => part.test(one)))
    throw new Error(`${text}: what follows the host is in small letters, digits, dots and dashes.`)
  return [first, ...parts].join('/')
}
