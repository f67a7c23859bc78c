/** What the closure needs to know of a module, wherever it comes from. */
export interface ModuleFacts {
  depends: readonly string[]
  installable: boolean
  /** Odoo installs it by itself where these are installed; of none it always does. Undefined: never. */
  autoInstall?: readonly string[] | undefined
  /** Codes; it installs itself only where a company is in one of them. Empty: anywhere. */
  countries: readonly string[]
  /** Modules that must not be installed beside it. */
  excludes: readonly string[]
  /** Its manifest, for people: in the repository, or in the image. */
  file?: string
  /** Why it cannot be installed here, for people: `has version 18.0.1.0.0, but the project is for Odoo 19.0`. */
  unfit?: string
  /** It is for another Odoo: nobody means it who asks for all own modules. */
  otherSeries?: boolean
  /** Odoo finds out only as it installs it what is `unfit`: it may come by itself. */
  failsLate?: boolean
  /** Of a repository of others: where it would install itself and cannot, it is left out. */
  optional?: boolean
}
