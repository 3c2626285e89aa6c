import { invalidInput } from '../../../core/errors.ts'
import { filterQuery } from '../../../docker-api/index.ts'
import type { Options, RunCommand } from '../../command.ts'
import { type EngineCommand, withEngine } from '../../engine/engine-api.ts'
import { readFilters } from '../../engine/filters.ts'
import { humanSize } from '../../output/size.ts'
import { readArgument } from '../../usage.ts'
import { size } from '../container/create/read-values.ts'
import { confirm } from './confirm.ts'

type Filters = Record<string, string[]>

interface Report {
  readonly ContainersDeleted?: readonly string[] | null
  readonly ImagesDeleted?: readonly { readonly Untagged?: string; readonly Deleted?: string }[] | null
  readonly NetworksDeleted?: readonly string[] | null
  readonly VolumesDeleted?: readonly string[] | null
  readonly CachesDeleted?: readonly string[] | null
  readonly SpaceReclaimed?: number
}

interface Kind {
  readonly path: string
  readonly warning: (all: boolean) => string
  readonly title: string
  /** What the engine is asked for, of the filters given. */
  readonly filters: (filters: Filters, all: boolean) => Filters
  /** More of the request than filters. */
  readonly query?: (all: boolean, options: Options) => Readonly<Record<string, string | number | undefined>>
  readonly lines: (report: Report) => readonly string[]
  /** Networks take no space. */
  readonly space: boolean
}

const kept = (text: string | undefined): number | undefined =>
  text === undefined ? undefined : readArgument('--keep-storage', text, size)

const same = (filters: Filters): Filters => filters

const KINDS = {
  container: {
    path: '/containers/prune',
    warning: () => 'WARNING! This will remove all stopped containers.',
    title: 'Deleted Containers:',
    filters: same,
    lines: ({ ContainersDeleted }) => ContainersDeleted ?? [],
    space: true,
  },
  image: {
    path: '/images/prune',
    warning: all =>
      all
        ? 'WARNING! This will remove all images without at least one container associated to them.'
        : 'WARNING! This will remove all dangling images.',
    title: 'Deleted Images:',
    filters: (filters, all) => ({ ...filters, dangling: [String(!all)] }),
    lines: ({ ImagesDeleted }) =>
      (ImagesDeleted ?? []).map(({ Untagged, Deleted }) =>
        Untagged === undefined || Untagged === '' ? `deleted: ${Deleted ?? ''}` : `untagged: ${Untagged}`,
      ),
    space: true,
  },
  network: {
    path: '/networks/prune',
    warning: () => 'WARNING! This will remove all custom networks not used by at least one container.',
    title: 'Deleted Networks:',
    filters: same,
    lines: ({ NetworksDeleted }) => NetworksDeleted ?? [],
    space: false,
  },
  volume: {
    path: '/volumes/prune',
    warning: all =>
      all
        ? 'WARNING! This will remove all local volumes not used by at least one container.'
        : 'WARNING! This will remove anonymous local volumes not used by at least one container.',
    title: 'Deleted Volumes:',
    filters: (filters, all) => (all ? { ...filters, all: ['true'] } : filters),
    lines: ({ VolumesDeleted }) => VolumesDeleted ?? [],
    space: true,
  },
  'build cache': {
    path: '/build/prune',
    warning: all =>
      all ? 'WARNING! This will remove all build cache.' : 'WARNING! This will remove all dangling build cache.',
    title: 'Deleted build cache objects:',
    filters: same,
    query: (all, options) => ({ all: all ? 1 : undefined, 'keep-storage': kept(options.text('keepStorage')) }),
    lines: ({ CachesDeleted }) => CachesDeleted ?? [],
    space: true,
  },
} as const satisfies Readonly<Record<string, Kind>>

type KindName = keyof typeof KINDS

/** `shoal volume prune` and its like. */
export function pruneKind(name: KindName): RunCommand {
  return withEngine(async command => {
    const kind: Kind = KINDS[name]
    const all = command.options.flag('all')
    if (!command.options.flag('force') && !(await confirm(kind.warning(all), command.context))) return
    const bytes = await pruneOne(command, kind, all)
    if (kind.space) command.context.stdout.write(`Total reclaimed space: ${humanSize(bytes)}\n`)
  })
}

async function pruneOne({ api, options, context }: EngineCommand, kind: Kind, all: boolean): Promise<number> {
  const filters = kind.filters(readFilters(options.list('filter'), '--filter'), all)
  const report = await api.ask<Report>('POST', kind.path, {
    query: { ...kind.query?.(all, options), filters: filterQuery(filters) },
  })
  const lines = kind.lines(report)
  if (lines.length > 0) context.stdout.write(`${[kind.title, ...lines].join('\n')}\n\n`)
  return report.SpaceReclaimed ?? 0
}

/** `shoal system prune`: containers, networks and images, and with `--volumes` volumes without a name. */
export const runSystemPrune = withEngine(async command => {
  const { options, context } = command
  const all = options.flag('all')
  const volumes = options.flag('volumes')
  if (volumes && 'until' in readFilters(options.list('filter'), '--filter')) {
    throw invalidInput('BAD_FLAG', 'ERROR: The "until" filter is not supported with "--volumes"')
  }
  const warning = [
    'WARNING! This will remove:',
    '  - all stopped containers',
    '  - all networks not used by at least one container',
    ...(volumes ? ['  - all anonymous volumes not used by at least one container'] : []),
    all ? '  - all images without at least one container associated to them' : '  - all dangling images',
    all ? '  - all build cache' : '  - unused build cache',
    '',
  ]
  if (!options.flag('force') && !(await confirm(warning.join('\n'), context))) return
  const cleaned = volumes ? (['volume'] as const) : []
  const names: readonly KindName[] = ['container', 'network', ...cleaned, 'image', 'build cache']
  let bytes = 0
  for (const name of names) bytes += await pruneOne(command, KINDS[name], name !== 'volume' && all)
  context.stdout.write(`Total reclaimed space: ${humanSize(bytes)}\n`)
})
