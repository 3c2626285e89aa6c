import { fuzzOne } from './fuzz.ts'

/** `node test/compose/fuzz/main.ts [COUNT [FIRST]]`: loads broken projects by number, and prints what must not happen. */
const count = Number(process.argv[2] ?? 100_000)
const first = Number(process.argv[3] ?? 0)
/** Of the processor, so that a busy machine makes no input look slow. */
const SLOW_MS = 1_000
let failures = 0

for (let seed = first; seed < first + count; seed++) {
  const before = process.cpuUsage()
  const found = fuzzOne(seed)
  const { user, system } = process.cpuUsage(before)
  const tookMs = Math.round((user + system) / 1_000)
  const slow = tookMs > SLOW_MS ? `seed ${seed}: took ${tookMs} ms` : undefined
  for (const text of [found, slow]) {
    if (text === undefined) continue
    failures++
    process.stdout.write(`${text}\n`)
  }
}
process.stdout.write(`${count} inputs from ${first}, ${failures} failures\n`)
process.exitCode = failures === 0 ? 0 : 1
