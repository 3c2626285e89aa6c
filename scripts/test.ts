import { spawnSync } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { traces } from './lib/traces.ts'

/**
 * Runs every check and every suite, goes on after a failure, and ends with one line of counts.
 *
 * `npm test` runs all; `npm test -- unit` only the named ones (check, unit, integration, interop, cluster, vm).
 */
interface Counts {
  passed: number
  failed: number
  skipped: number
}

interface VitestReport {
  readonly numPassedTests: number
  readonly numFailedTests: number
  readonly numPendingTests: number
  readonly numTodoTests: number
  readonly testResults: readonly { readonly status: string; readonly assertionResults: readonly unknown[] }[]
}

const CHECKS: readonly (readonly [name: string, argv: readonly string[]])[] = [
  ['types', ['tsc']],
  ['lint', ['oxlint', '--type-aware', '--deny-warnings', 'src', 'test', 'scripts']],
  ['format', ['biome', 'check', '--error-on-warnings', '.']],
  ['unused code', ['knip']],
]
const SUITES = ['unit', 'integration', 'interop', 'cluster', 'vm'] as const

function run(argv: readonly string[]): boolean {
  const [program = '', ...args] = argv
  return spawnSync(program, args, { stdio: 'inherit', env: { ...process.env, NO_COLOR: '1' } }).status === 0
}

function check(): Counts {
  const counts = { passed: 0, failed: 0, skipped: 0 }
  for (const [name, argv] of CHECKS) {
    process.stdout.write(`\n# check: ${name}\n`)
    if (run(argv)) counts.passed++
    else counts.failed++
  }
  return counts
}

function suite(name: string): Counts {
  process.stdout.write(`\n# suite: ${name}\n`)
  const directory = mkdtempSync(join(tmpdir(), 'shoal-report-'))
  const file = join(directory, 'report.json')
  const succeeded = run([
    'vitest',
    'run',
    '--project',
    name,
    '--reporter=default',
    '--reporter=json',
    `--outputFile.json=${file}`,
  ])
  try {
    const report = JSON.parse(readFileSync(file, 'utf8')) as VitestReport
    // A file that does not load has no tests to count, yet is a failure.
    const broken = report.testResults.filter(one => one.status === 'failed' && one.assertionResults.length === 0).length
    const failed = report.numFailedTests + broken
    return {
      passed: report.numPassedTests,
      failed: failed === 0 && !succeeded ? 1 : failed,
      skipped: report.numPendingTests + report.numTodoTests,
    }
  } catch {
    return { passed: 0, failed: 1, skipped: 0 }
  } finally {
    rmSync(directory, { recursive: true, force: true })
  }
}

function leavesNothing(before: ReadonlySet<string>): Counts {
  const left = [...traces()].filter(trace => !before.has(trace))
  for (const trace of left) process.stdout.write(`left behind: ${trace}\n`)
  return { passed: left.length === 0 ? 1 : 0, failed: left.length === 0 ? 0 : 1, skipped: 0 }
}

const before = traces()
const wanted = process.argv.slice(2)
const selected = (name: string): boolean => wanted.length === 0 || wanted.includes(name)
const results: [string, Counts][] = []
if (selected('check')) results.push(['check', check()])
for (const name of SUITES) if (selected(name)) results.push([name, suite(name)])
results.push(['nothing left behind', leavesNothing(before)])

process.stdout.write('\n')
for (const [name, { passed, failed, skipped }] of results) {
  process.stdout.write(`${name}: ${passed} passed, ${failed} failed, ${skipped} skipped\n`)
}
const sum = (field: keyof Counts): number => results.reduce((total, [, counts]) => total + counts[field], 0)
process.stdout.write(`${sum('passed')} passed, ${sum('failed')} failed, ${sum('skipped')} skipped\n`)
process.exitCode = sum('failed') === 0 && sum('passed') > 0 ? 0 : 1
