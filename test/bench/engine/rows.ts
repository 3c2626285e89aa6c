import { type BenchRow, percentile } from '../report.ts'
import type { Files } from './files.ts'
import type { Images } from './images.ts'
import type { LifeCycle } from './life-cycle.ts'
import type { Standing } from './standing.ts'
import type { Streams } from './streams.ts'

/** All that is measured of one engine. */
export interface EngineFigures extends Streams, Images, Files, Standing {
  readonly lifeCycles: readonly LifeCycle[]
}

/** Our figures beside Docker's, where it is installed, and beside bare runc. */
export function engineRows(
  shoal: EngineFigures,
  docker: EngineFigures | undefined,
  runc: readonly number[],
): readonly BenchRow[] {
  const row = (name: string, unit: string, read: (figures: EngineFigures) => number, budget?: string): BenchRow => ({
    name,
    value: read(shoal),
    unit,
    ...(budget === undefined ? {} : { budget }),
    ...(docker === undefined ? {} : { peer: { name: 'Docker Engine', value: read(docker) } }),
  })
  const median = (samples: readonly number[]): number => percentile(samples, 0.5)
  return [
    ...shoal.lifeCycles.flatMap((_, index) => lifeCycleRows(index, shoal.lifeCycles, row)),
    {
      name: 'create + start, no network, p50, beside bare runc run',
      value: median(shoal.lifeCycles.find(one => one.network === 'none')?.start ?? []),
      unit: 'ms',
      peer: { name: 'runc run', value: median(runc) },
    },
    row('pull, 200 MB in ten layers', 's', figures => median(figures.pulls) / 1_000),
    row('build, ten steps, cold', 'ms', figures => median(figures.cold)),
    row('build, ten steps, cached', 'ms', figures => median(figures.cached)),
    row('copy 3,000 small files into a container', 'ms', figures => median(figures.copiesIn)),
    row('copy 3,000 small files out of a container', 'ms', figures => median(figures.copiesOut)),
    row('commit, 200 MB of random bytes', 'ms', figures => median(figures.commits)),
    row('save of that image', 'ms', figures => median(figures.saves)),
    row('export of that container', 'ms', figures => median(figures.exports)),
    row('logs -f of a container that writes', 'lines/s', figures => figures.linesPerSecond, '>= 100,000 /s'),
    row('exec of true, p50', 'ms', figures => percentile(figures.execs, 0.5)),
    row('exec of true, p99', 'ms', figures => percentile(figures.execs, 0.99)),
    ...(['empty', 'full'] as const).flatMap(when => idleRows(when, row)),
    row('restart over 100 running containers', 'ms', figures => figures.restartMs),
  ]
}

type Row = (name: string, unit: string, read: (figures: EngineFigures) => number, budget?: string) => BenchRow

function lifeCycleRows(index: number, all: readonly LifeCycle[], row: Row): readonly BenchRow[] {
  const { network = 'none', concurrency = 1 } = all[index] ?? {}
  const where = `${network === 'none' ? 'no' : 'bridge'} network, ${concurrency} at a time`
  const first = index === 0
  const read =
    (kind: 'start' | 'whole', share: number) =>
    ({ lifeCycles }: EngineFigures): number =>
      percentile(lifeCycles[index]?.[kind] ?? [], share)
  return [
    row(`create + start, ${where}, p50`, 'ms', read('start', 0.5), first ? '<= 35 ms, 6x Docker' : undefined),
    row(`create + start, ${where}, p99`, 'ms', read('start', 0.99)),
    row(`create + start + wait + remove, ${where}, p50`, 'ms', read('whole', 0.5)),
    row(`create + start + wait + remove, ${where}, p99`, 'ms', read('whole', 0.99)),
    row(
      `create + start + wait + remove, ${where}`,
      '/s',
      ({ lifeCycles }) => lifeCycles[index]?.wholePerSecond ?? Number.NaN,
      network === 'bridge' && concurrency === 8 ? '>= 35 /s' : undefined,
    ),
  ]
}

function idleRows(when: 'empty' | 'full', row: Row): readonly BenchRow[] {
  const what = when === 'empty' ? '0 containers' : '100 containers'
  const rows = [
    row(`idle with ${what}, resident memory of the daemons`, 'MiB', figures => figures[when].residentMib, '<= 80 MB'),
    row(`idle with ${what}, share of a core`, '%', figures => figures[when].corePercent, '<= 0.5 %'),
  ]
  const monitors = row(
    `idle with ${what}, resident memory of the monitors`,
    'MiB',
    figures => figures[when].monitorsMib,
  )
  return when === 'empty' ? rows : [...rows, monitors]
}
