export type Variables = Readonly<Record<string, string>>

/** As Odoo.sh calls its stages, for code that goes by ODOO_STAGE. */
const odooStages = { production: 'production', staging: 'staging', development: 'dev' } as const

/**
 * What Odoo of a stage gets as environment variables, sorted: what Fairway sets, then what fairway.yaml says for all stages,
 * then for this one. RUNNING_ENV is what the OCA's server_environment looks at first, and ODOO_STAGE what it looks at next
 * (`_load_running_env` in server_env.py): both say the same.
 */
export function variablesOf(
  stage: keyof typeof odooStages,
  said: { readonly all: Variables } & Readonly<Record<keyof typeof odooStages, Variables>>,
): Record<string, string> {
  const own = { ODOO_STAGE: odooStages[stage], RUNNING_ENV: odooStages[stage] }
  const merged = { ...own, ...said.all, ...said[stage] }
  return Object.fromEntries(Object.entries(merged).sort(([a], [b]) => (a < b ? -1 : 1)))
}
