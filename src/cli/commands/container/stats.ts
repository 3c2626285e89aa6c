import { sleep } from '../../../core/clock.ts'
import { EXIT_CODES, ShoalError } from '../../../core/errors.ts'
import type { ContainerSummary } from '../../../docker-api/index.ts'
import { type EngineCommand, pathOf, withEngine } from '../../engine/engine-api.ts'
import { type Listing, printListing, type Row } from '../../engine/listing.ts'
import { shortId } from '../../output/shorten.ts'
import { binarySize, humanSize } from '../../output/size.ts'
import { type Sample, usageOf } from './stats-usage.ts'

const LISTING: Listing = {
  id: 'ID',
  fields: ['ID', 'Name', 'CPUPerc', 'MemUsage', 'MemPerc', 'NetIO', 'BlockIO', 'PIDs'],
  titles: {
    ID: 'CONTAINER ID',
    Container: 'CONTAINER',
    CPUPerc: 'CPU %',
    MemUsage: 'MEM USAGE / LIMIT',
    MemPerc: 'MEM %',
    NetIO: 'NET I/O',
    BlockIO: 'BLOCK I/O',
    PIDs: 'PIDS',
  },
}

const CLEAR_SCREEN = '\u001b[H\u001b[2J'
const ROUND_MS = 1_000

/** `shoal stats`: what containers use; again and again unless told otherwise. */
export const runStats = withEngine(command => showStats(command, () => chosen(command)))

/** Shows what containers use, chosen anew each time. */
export async function showStats(command: EngineCommand, choose: () => Promise<readonly string[]>): Promise<number> {
  const { options, context } = command
  const once = options.flag('noStream') || options.choice('stream') === false
  for (;;) {
    const ids = await choose()
    const sampled = await Promise.all(ids.map(id => sampleRow(command, id)))
    const rows = sampled.filter(row => row !== undefined)
    if (!once && context.stdout.isTTY === true) context.stdout.write(CLEAR_SCREEN)
    printListing(command, rows, LISTING)
    if (once) return EXIT_CODES.done
    // Each sample takes a second already; without containers there is none.
    if (rows.length === 0) await sleep(context.clock, ROUND_MS, context.signal)
  }
}

async function chosen({ api, args, options }: EngineCommand): Promise<readonly string[]> {
  if (args.length > 0) return args
  const query = { all: options.flag('all') ? 1 : undefined }
  const containers = await api.ask<readonly ContainerSummary[]>('GET', '/containers/json', { query })
  return containers.map(({ Id }) => Id)
}

/** Undefined for a container that nobody named and that was removed after it was listed. */
async function sampleRow(command: EngineCommand, id: string): Promise<Row | undefined> {
  try {
    return await rowOf(command, id)
  } catch (error) {
    if (command.args.length === 0 && error instanceof ShoalError && error.status === 404) return undefined
    throw error
  }
}

async function rowOf({ api, options }: EngineCommand, id: string): Promise<Row> {
  const sample = await api.ask<Sample>('GET', pathOf('containers', id, 'stats'), { query: { stream: 0 } })
  const usage = usageOf(sample)
  const trunc = options.choice('trunc') !== false
  const ID = trunc ? shortId(sample.id ?? '') : (sample.id ?? '')
  return {
    // By what it was asked for, or by its short id if nothing was.
    Container: id === sample.id ? ID : id,
    ID,
    Name: (sample.name ?? '').replace(/^\//, ''),
    CPUPerc: `${usage.cpuPercent.toFixed(2)}%`,
    MemUsage: `${binarySize(usage.memoryBytes)} / ${binarySize(usage.memoryLimit)}`,
    MemPerc: `${usage.memoryPercent.toFixed(2)}%`,
    NetIO: `${humanSize(usage.received, 3)} / ${humanSize(usage.sent, 3)}`,
    BlockIO: `${humanSize(usage.read, 3)} / ${humanSize(usage.written, 3)}`,
    PIDs: String(usage.pids),
  }
}
