import { empties, type Idea } from '../rule.ts'

/** Web push: devices of people that production's keys may write to. `mail_partner_device` until 17. */
export const messages: Idea = (schema) => [
  ...empties(schema, 'mail_push', 'no web push message waits'),
  ...empties(schema, 'mail_notification_web_push', 'no web push message waits'),
  ...empties(schema, 'mail_push_device', 'no device gets web push messages'),
  ...empties(schema, 'mail_partner_device', 'no device gets web push messages'),
]
