/** What command lines, paths and lists of a module's name are made of; Odoo takes letters of any script (`MODULE_NAME_RE`). */
export const moduleNamePattern = /^[a-zA-Z0-9_]{1,128}$/
