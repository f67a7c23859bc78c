import { blank, type Idea, where } from '../rule.ts'

/** The user that Odoo makes as its administrator, whatever it is called by now. */
export const admin = `(select min(res_id) from public.ir_model_data
  where module = 'base' and name = 'user_admin' and model = 'res.users')`

/**
 * Passwords of people, as the project's policy says. Whoever holds the hashes can try passwords on them at leisure, and
 * people use them elsewhere. `reset` gives the administrator a new one afterwards: agent/passwords/one-time-password.ts.
 */
export const people: Idea = (schema, { passwords }) =>
  passwords === 'keep'
    ? []
    : [
        ...where(schema, 'res_users', ['password', 'login'], {
          name:
            passwords === 'reset'
              ? 'no password of production, and a new one for the administrator alone'
              : 'no password',
          change: 'update public.res_users set password = null where password is not null',
          offences: `select 'user ' || id as item from public.res_users
            where password is not null ${passwords === 'reset' ? `and id is distinct from ${admin}` : ''}`,
        }),
        // Four digits or so, with which people clock in and open a point of sale.
        ...blank(schema, { name: 'no PIN of an employee', table: 'hr_employee', columns: ['pin'] }),
      ]
