// node test/bench/run.ts <name> [options]: runs one benchmark, prints its table and writes test/bench/results/<name>.json
import { mkdir, readdir, writeFile } from 'node:fs/promises'
import { fileURLToPath } from 'node:url'
import type { Benchmark, Row } from './bench.ts'

const here = fileURLToPath(new URL('.', import.meta.url))
const names = (await readdir(here))
  .filter((file) => file.endsWith('.ts') && !['run.ts', 'bench.ts'].includes(file) && !file.startsWith('_'))
  .map((file) => file.slice(0, -3))

const [name = '', ...args] = process.argv.slice(2)
if (names.includes(name)) await runBenchmark(name, args)
else {
  console.error(`Which benchmark? One of: ${names.join(', ')}`)
  process.exitCode = 2
}

async function runBenchmark(name: string, args: string[]): Promise<void> {
  const { bench } = (await import(`./${name}.ts`)) as { bench: Benchmark }
  const { runs, rows } = await bench.run(args)
  await mkdir(`${here}results`, { recursive: true })
  await writeFile(`${here}results/${name}.json`, `${JSON.stringify({ name, runs, rows }, null, 2)}\n`)
  console.log(formatTable(rows))
  console.log(`medians of ${runs} runs; written to test/bench/results/${name}.json`)
}

function formatTable(rows: Row[]): string {
  const lines = rows.map(({ id, what, ours, peer, peerName, unit, ratio, goal }) => [
    id,
    what,
    `${round(ours)} ${unit}`,
    `${round(peer)} ${unit} ${peerName}`,
    round(ratio),
    goal,
  ])
  const table = [['', 'what', 'ours', 'peer', 'ratio', 'goal'], ...lines]
  const widths =
    table[0]?.map((_, column) => Math.max(...table.map((line) => line[column]?.length ?? 0))) ?? []
  return table
    .map((line) => line.map((cell, column) => cell.padEnd(widths[column] ?? 0)).join('  '))
    .join('\n')
}

function round(value: number): string {
  return value >= 100 ? value.toFixed(0) : value.toPrecision(3)
}
