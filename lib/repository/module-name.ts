/**
 * What command lines, paths and lists of a module's name are made of. Odoo takes letters of any script, and twice as many
 * (`MODULE_NAME_RE` of odoo/modules/module.py): such a module is left out with a word, or refused where it cannot be.
 */
export const moduleNamePattern = /^[a-zA-Z0-9_]{1,128}$/

/** Odoo's own. */
export const odooNamePattern = /^[\p{L}\p{N}_]{1,256}$/u

/** Why a folder or a package cannot have this name, for people. */
export const describeName = (name: string): string =>
  `${JSON.stringify(name.slice(0, 200))} is no module name, which has only letters (a–z), digits and _`
