import { spawn } from 'node:child_process'
import { readFileSync } from 'node:fs'

const LOOK_EVERY_MS = 25
const RUN_MS_MAX = 300_000
/** Of an established connection, in /proc/net/tcp. */
const ESTABLISHED = '01'
const SSH_PORT = '0016'

/** How a program went, from its start to its end. */
export interface MeasuredRun {
  readonly ms: number
  readonly stdout: string
  /** Of its first process; what it starts beside is not counted. */
  readonly peakMib: number
  /** To sshd of the subnet at the same time. */
  readonly peakConnections: number
}

interface Expected {
  /** What it is to end with. */
  readonly code: number
  /** The first three numbers of the addresses to which connections are counted. */
  readonly subnet: string
}

/** Runs a program, and looks at it now and then meanwhile. Throws what it said last if it ends with another code. */
export function measureRun([program = '', ...args]: readonly string[], expected: Expected): Promise<MeasuredRun> {
  const { promise, resolve, reject } = Promise.withResolvers<MeasuredRun>()
  const began = performance.now()
  const child = spawn(program, args, { timeout: RUN_MS_MAX, killSignal: 'SIGKILL' })
  let peakMib = 0
  let peakConnections = 0
  const looking = setInterval(() => {
    peakMib = Math.max(peakMib, peakOf(child.pid))
    peakConnections = Math.max(peakConnections, connectionsTo(expected.subnet))
  }, LOOK_EVERY_MS)
  let [stdout, stderr] = ['', '']
  child.stdout.on('data', (text: Buffer) => {
    stdout += text.toString()
  })
  child.stderr.on('data', (text: Buffer) => {
    stderr += text.toString()
  })
  child.stdin.end()
  child.once('error', reject)
  child.once('close', code => {
    clearInterval(looking)
    if (code === expected.code) return resolve({ ms: performance.now() - began, stdout, peakMib, peakConnections })
    const said = `${stdout}${stderr}`.trim().split('\n').slice(-5).join('\n')
    reject(new Error(`${[program, ...args].join(' ')} ended with ${code}: ${said}`))
  })
  return promise.finally(() => clearInterval(looking))
}

/** The kernel keeps the highest that it ever was, so that it does not matter when it is read. */
function peakOf(pid: number | undefined): number {
  try {
    return Number(/^VmHWM:\s+(\d+) kB/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1] ?? 0) / 1_024
  } catch {
    return 0
  }
}

function connectionsTo(subnet: string): number {
  // The first number stands last, each in two hexadecimal digits.
  const prefix = subnet
    .split('.')
    .map(number => Number(number).toString(16).padStart(2, '0'))
    .toReversed()
    .join('')
    .toUpperCase()
  const lines = readFileSync('/proc/net/tcp', 'utf8').split('\n')
  return lines.filter(line => {
    const [, , remote = '', state] = line.trim().split(/\s+/)
    return state === ESTABLISHED && remote.slice(2, 8) === prefix && remote.endsWith(`:${SSH_PORT}`)
  }).length
}
