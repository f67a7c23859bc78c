import { styleText } from 'node:util'

/** Headings and remarks of the demo; styled on a terminal only. */
export const title = (text: string) => process.stdout.write(`\n${styleText('bold', text)}\n`)
export const say = (text: string) => process.stdout.write(`  ${text}\n`)
export const command = (text: string) => process.stdout.write(`\n${styleText('dim', `$ ${text}`)}\n`)
