import type { Explanation, NodeVerdict, Obstacle, ObstacleFilter, ScoreParts } from '../../../core/model/explanation.ts'
import { formatBytes } from '../../../core/units.ts'
import type { ListingFormat } from '../../output/format.ts'
import { type Column, renderTable } from '../../output/table.ts'

/** For templates and for quiet listings. */
export const VERDICTS: ListingFormat<NodeVerdict> = {
  columns: [{ title: 'NODE', of: ({ node }) => node }],
  record: ({ node, obstacles, score }) => ({
    Node: node,
    Fits: obstacles.length === 0,
    Obstacles: obstacles.map(obstacleText),
    Score: score ?? {},
  }),
  id: ({ node }) => node,
}

interface Scored {
  readonly node: string
  readonly score?: ScoreParts
}

/** The parts of scores, the best first; parts that nobody has are left out. */
export function scoreTable(rows: readonly Scored[]): string {
  return renderTable([NODE, ...scoreColumns(rows)], rows)
}

/** Nodes and filters: what fails where, with numbers, and the scores of nodes on which nothing does. */
export function verdictTable({ nodes, chosen }: Explanation): string {
  const failing = new Set(nodes.flatMap(({ obstacles }) => obstacles.map(({ filter }) => filter)))
  const columns: Column<NodeVerdict>[] = [
    NODE,
    {
      title: 'VERDICT',
      of: ({ node, obstacles }) => (obstacles.length > 0 ? 'no' : node === chosen ? 'chosen' : 'fits'),
    },
    ...scoreColumns(nodes),
    ...[...failing].map(filterColumn),
  ]
  return renderTable(columns, nodes)
}

const NODE: Column<{ readonly node: string }> = { title: 'NODE', of: ({ node }) => node }

function filterColumn(filter: ObstacleFilter): Column<NodeVerdict> {
  return {
    title: filter.toUpperCase(),
    of: ({ obstacles }) => {
      const own = obstacles.filter(obstacle => obstacle.filter === filter)
      return own.length === 0 ? 'ok' : [...new Set(own.map(bareText))].join('; ')
    },
  }
}

/** Without the name of the filter, which stands above. */
function bareText(obstacle: Obstacle): string {
  const text = obstacleText(obstacle)
  return text.startsWith(`${obstacle.filter} `) ? text.slice(obstacle.filter.length + 1) : text
}

function obstacleText({ what, filter, free, change }: Obstacle): string {
  const holder = change.do === 'free-port' ? ` by ${shortHolder(change.holder)}` : ''
  if (free === undefined) return `${what}${holder}`
  const amount = Math.max(0, free)
  return `${what}, ${filter === 'cpu' ? Number((amount / 1e9).toFixed(3)) : formatBytes(amount)} free`
}

/** Ids are told as docker tells them. */
function shortHolder(holder: string): string {
  return holder.replace(/[0-9a-f]{64}/, id => id.slice(0, 12))
}

const PARTS: readonly { readonly title: string; readonly of: (score: ScoreParts) => number | string | undefined }[] = [
  { title: 'CPU', of: ({ cpuPercent }) => (cpuPercent === undefined ? undefined : `${cpuPercent}%`) },
  { title: 'MEMORY', of: ({ memoryPercent }) => (memoryPercent === undefined ? undefined : `${memoryPercent}%`) },
  { title: 'HEALTH', of: ({ health }) => health },
  { title: 'OF SERVICE', of: ({ siblings }) => siblings },
  { title: 'WISHES MISSED', of: ({ missedWishes }) => missedWishes },
  { title: 'LACKS IMAGE', of: ({ lacksImage }) => (lacksImage === true ? 'yes' : undefined) },
  { title: 'CONTAINERS', of: ({ containers }) => containers },
]

function scoreColumns(rows: readonly Scored[]): Column<Scored>[] {
  const present = PARTS.filter(({ of }) => rows.some(({ score }) => score !== undefined && of(score) !== undefined))
  return present.map(({ title, of }) => ({
    title,
    of: ({ score }) => String((score === undefined ? undefined : of(score)) ?? '-'),
  }))
}
