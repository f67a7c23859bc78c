import { type Idea, where } from '../rule.ts'

/** The one job that a copy needs: it takes away what is of no use any more. */
export const vacuum = `(select min(res_id) from public.ir_model_data
  where model = 'ir.cron' and module = 'base' and name = 'autovacuum_job')`

/** Nothing acts by itself: no scheduled job but the vacuum, no webhook out, and none in under an address of production. */
export const jobs: Idea = (schema) => [
  ...where(schema, 'ir_cron', ['active'], {
    name: 'no scheduled job but the vacuum',
    change: `update public.ir_cron set active = false where active and id is distinct from ${vacuum}`,
    offences: `select coalesce((select module || '.' || name from public.ir_model_data
                                 where model = 'ir.cron' and res_id = ir_cron.id limit 1), 'job ' || id) as item
                 from public.ir_cron where active and id is distinct from ${vacuum}`,
  }),
  // What a job was asked to do at an hour (a reminder of a meeting, a message), should somebody switch it on again.
  ...where(schema, 'ir_cron_trigger', ['cron_id'], {
    name: 'no scheduled job was called for an hour',
    change: `delete from public.ir_cron_trigger where cron_id is distinct from ${vacuum}`,
    offences: `select count(*) || ' calls' as item from public.ir_cron_trigger
                where cron_id is distinct from ${vacuum} having count(*) > 0`,
  }),
  ...where(schema, 'ir_act_server', ['webhook_url', 'state'], {
    name: 'no webhook is called',
    change: `update public.ir_act_server set webhook_url =
               case when state = 'webhook' then 'neutralization - disable webhook' end
              where webhook_url is not null or state = 'webhook'`,
    offences: `select 'server action ' || id as item from public.ir_act_server
                where coalesce(webhook_url, '') not in ('', 'neutralization - disable webhook')`,
  }),
  ...where(schema, 'base_automation', ['webhook_uuid'], {
    name: 'no webhook answers at production’s address',
    change: `update public.base_automation set webhook_uuid = 'fairway-' || gen_random_uuid()::text
              where webhook_uuid is not null`,
    offences: `select 'automation ' || id as item from public.base_automation
                where webhook_uuid is not null and webhook_uuid not like 'fairway-%'`,
  }),
]
