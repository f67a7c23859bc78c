/** The project's own addons by name, with their folder in the repository: what a task says of them. */
export type OwnAddons = Readonly<Record<string, string>>

/** `module sale_x, addons/sale_x/static/src/price.scss:3`, of a file that Odoo serves as `/sale_x/static/src/price.scss`. */
export function describePlace({ file, line }: { file: string; line?: number }, own: OwnAddons): string {
  const [module = '', ...rest] = file.replace(/^\//, '').split('/')
  const folder = Object.hasOwn(own, module) ? own[module] : module
  const path = [...(folder ? [folder] : []), ...rest].join('/')
  return `module ${module}, ${path}${line === undefined ? '' : `:${line}`}`
}
