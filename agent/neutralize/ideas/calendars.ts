import { blank, type Idea } from '../rule.ts'

/** Google's and Microsoft's calendars: columns of `res_users` are blanked with its other tokens (sign-in.ts). */
export const calendars: Idea = (schema) =>
  // 14: res_users; 15 and 16: a table of its own; from 17 on: the settings of users.
  ['google_calendar_credentials', 'microsoft_calendar_credentials', 'res_users_settings'].flatMap((table) =>
    blank(schema, {
      name: 'no calendar is synchronized',
      table,
      columns: ['calendar_cal_id'],
      like: /(google|microsoft|calendar).*token/,
    }),
  )
