import { readFileSync } from 'node:fs'
import { systemClock } from '../../../src/core/clock.ts'
import { systemRandom } from '../../../src/core/random.ts'
import { KnownHosts } from '../../../src/machine/ssh/known-hosts.ts'
import { PooledTransport } from '../../../src/machine/ssh/pooled/pooled-transport.ts'
import { SystemTransport } from '../../../src/machine/ssh/system/system-transport.ts'
import type { Transport } from '../../../src/machine/ssh/transport.ts'
import { type BenchRow, percentile } from '../report.ts'
import type { MachineLab } from './lab.ts'
import { repeat, timed } from './repeat.ts'

const RUNS = 5
const COMMANDS = 20
const AT_ONCE = 30
const MEBIBYTES = 64
const LIMITS = { timeoutMs: 60_000 }

interface Figures {
  readonly connectMs: number
  readonly commandMs: number
  readonly atOnceMs: number
  readonly mibPerS: number
}

/** Our own client of SSH beside the system's, each on one connection to the same host. */
export async function measureTransports(lab: MachineLab): Promise<readonly BenchRow[]> {
  await lab.start('t1')
  const ours = await measure(() => pooled(lab))
  const theirs = await measure(() => system(lab))
  const row = (name: string, unit: string, of: (figures: Figures) => number): BenchRow => ({
    name: `ssh2: ${name}`,
    value: of(ours),
    unit,
    peer: { name: 'by the system ssh', value: of(theirs) },
  })
  return [
    row('connect and log in, p50', 'ms', ({ connectMs }) => connectMs),
    row('a command on a connection that is there, p50', 'ms', ({ commandMs }) => commandMs),
    row(`${AT_ONCE} commands at once, p50`, 'ms', ({ atOnceMs }) => atOnceMs),
    row(`${MEBIBYTES} MiB to a command`, 'MiB/s', ({ mibPerS }) => mibPerS),
  ]
}

async function measure(connect: () => Promise<Transport>): Promise<Figures> {
  const connects: number[] = []
  const commands: number[] = []
  const together: number[] = []
  const pushes: number[] = []
  await repeat(RUNS, async () => {
    const began = performance.now()
    const transport = await connect()
    connects.push(performance.now() - began)
    const run = (): Promise<unknown> => transport.run(['true'], LIMITS)
    commands.push(...(await repeat(COMMANDS, () => timed(run))))
    together.push(await timed(() => Promise.all(Array.from({ length: AT_ONCE }, run))))
    const stdin = Buffer.alloc(MEBIBYTES * 1024 ** 2)
    pushes.push(await timed(() => transport.run(['sh', '-c', 'cat > /dev/null'], { ...LIMITS, stdin })))
    await transport.close()
  })
  const [connectMs, commandMs, atOnceMs, pushMs] = [connects, commands, together, pushes].map(samples =>
    percentile(samples, 0.5),
  ) as [number, number, number, number]
  return { connectMs, commandMs, atOnceMs, mibPerS: MEBIBYTES / (pushMs / 1_000) }
}

const SIGNAL = new AbortController().signal

function pooled(lab: MachineLab): Promise<Transport> {
  const host = lab.addressOf('t1')
  return PooledTransport.connect(
    {
      host,
      port: 22,
      user: 'root',
      credentials: [{ label: lab.keyPath, key: readFileSync(lab.keyPath) }],
      hostKey: { name: host, knownHosts: new KnownHosts([`${host} ${lab.hostKey}`]), pinned: [], acceptNew: false },
    },
    { clock: systemClock },
    SIGNAL,
  )
}

function system(lab: MachineLab): Promise<Transport> {
  const [type = '', base64 = ''] = lab.hostKey.split(' ')
  return SystemTransport.connect(
    {
      host: lab.addressOf('t1'),
      user: 'root',
      keyPaths: [lab.keyPath],
      jumps: [],
      pinned: [{ type, bytes: Buffer.from(base64, 'base64') }],
      acceptNew: false,
    },
    { clock: systemClock, random: systemRandom, env: process.env },
    SIGNAL,
  )
}
