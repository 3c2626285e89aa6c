import { writeFileSync } from 'node:fs'
import { parseArgs } from 'node:util'
import { type BenchRow, formatRows } from './report.ts'

/** `npm run bench [-- --json FILE] [-- NAME ...]`: runs the benchmarks and prints them beside their peers. */
const BENCHES: Readonly<Record<string, () => Promise<{ run: () => Promise<readonly BenchRow[]> }>>> = {
  placement: () => import('./placement.ts'),
  engine: () => import('./engine.ts'),
  cluster: () => import('./cluster.ts'),
  manager: () => import('./manager.ts'),
  compose: () => import('./compose.ts'),
  machine: () => import('./machine.ts'),
}

async function main(): Promise<number> {
  const { values, positionals } = parseArgs({ options: { json: { type: 'string' } }, allowPositionals: true })
  const unknown = positionals.filter(name => !(name in BENCHES))
  if (unknown.length > 0) {
    process.stderr.write(
      `bench: unknown benchmark ${unknown.join(', ')}: known are ${Object.keys(BENCHES).join(', ')}\n`,
    )
    return 2
  }
  const rows: BenchRow[] = []
  for (const [name, load] of Object.entries(BENCHES)) {
    if (positionals.length > 0 && !positionals.includes(name)) continue
    process.stderr.write(`==> measuring ${name}\n`)
    rows.push(...(await (await load()).run()))
  }
  process.stdout.write(`${formatRows(rows)}\n`)
  if (values.json !== undefined) writeFileSync(values.json, `${JSON.stringify(rows, undefined, 2)}\n`)
  return 0
}

process.exitCode = await main()
