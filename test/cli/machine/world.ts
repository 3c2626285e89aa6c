import { mkdtempSync, readFileSync } from 'node:fs'
import { mkdir, rename, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Duplex } from 'node:stream'
import { type MachineWorld, machineGroup } from '../../../src/cli/index.ts'
import type { Clock } from '../../../src/core/clock.ts'
import {
  driverPorts,
  exitCodeOf,
  type HostRequest,
  type Machine,
  type ProvisionOptions,
  type ProvisionRequest,
  type ProvisionResult,
} from '../../../src/machine/index.ts'
import { readHostKey } from '../../../src/machine/ssh/host-key.ts'
import { makeCertificate } from '../../support/make-certificate.ts'
import { type Outcome, runCommand } from '../support/run.ts'

/** A host key as sshd would show it. */
export const HOST_KEY = 'ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIJ0cBmfB8T5zMb9dnFQlTsOoThHWcvZyzDVOKI1KQIbx'

/** Where a test may serve; of other hosts there is nothing but what is pretended. */
const LOOPBACK = ['127.0.0.1', 'localhost']

interface Answer {
  readonly code: number
  readonly lines: readonly string[]
  /** What the first line begins with, where that is so long that it comes in parts. */
  readonly parts?: readonly string[]
  readonly errors?: readonly string[]
}

export interface FakeWorld {
  /** Runs a command line of `machine` with a store of its own. */
  readonly machine: (...argv: readonly string[]) => Promise<Outcome>
  readonly withEnv: (env: Readonly<Record<string, string>>, ...argv: readonly string[]) => Promise<Outcome>
  readonly onClock: (clock: Clock, input: string, ...argv: readonly string[]) => Promise<Outcome>
  readonly answering: (input: string, ...argv: readonly string[]) => Promise<Outcome>
  readonly root: string
  /** Aborted, it is Ctrl-C in whatever runs. */
  readonly interrupt: AbortController
  readonly readFile: (path: string) => string
  /** Programs that were run at the terminal, with what the configuration of ssh said that they were given. */
  readonly programs: { readonly words: readonly string[]; readonly config: string }[]
  /** What programs end with. */
  programCode: number
  readonly connections: HostRequest[]
  /** How often what hosts get was asked for. */
  packed: number
  /** Commands that were run over SSH, by machine's address, with what they were given to read. */
  readonly commands: { readonly host: string; readonly words: readonly string[]; readonly input?: string }[]
  /** What a command over SSH says and ends with. */
  answer: (host: string, words: readonly string[]) => Answer | Promise<Answer>
  /** Connects to a socket of a machine; throws unless there is one. */
  dial: (host: string, path: string) => Promise<Duplex>
  /** Fails instead of connecting. */
  refuse: ((host: string) => Error | undefined) | undefined
  readonly provisioned: { readonly request: ProvisionRequest; readonly options: ProvisionOptions }[]
  readonly upgraded: { readonly request: ProvisionRequest; readonly options: ProvisionOptions & { drain: boolean } }[]
  readonly cleaned: { readonly request: ProvisionRequest; readonly data: boolean }[]
  readonly tokens: { readonly role: string; readonly master: string }[]
  /** Certificates of the person's own that were asked for. */
  readonly fetched: Parameters<MachineWorld['clientCertificate']>[0][]
  /** Fails instead of getting one. */
  refuseFetch: Error | undefined
  /** Engines that were asked whether they let the person in. */
  readonly asked: string[]
  /** Fails instead of answering. */
  refuseEngine: Error | undefined
  /** What servers show, by `host:port`. */
  readonly certificates: Record<string, { readonly subject: string; readonly issuer: string; readonly validTo: string }>
  /** What is done on a host, and how it ends: connects, and changes one thing. */
  finish: (
    request: ProvisionRequest,
    options: Pick<ProvisionOptions, 'signal' | 'onEvent' | 'sudoPassword'>,
  ) => Promise<ProvisionResult>
  readonly dispose: () => Promise<void>
}

/** What the store keeps of a machine, as `inspect` shows it. */
export async function recordOf({ machine }: Pick<FakeWorld, 'machine'>, name: string): Promise<Machine> {
  const { Record } = JSON.parse((await machine('inspect', name)).stdout) as { Record: Machine }
  return Record
}

/** What a host says on which sudo wants a password: `answer` is asked what is run by it then. */
export function wantingPassword(answer: FakeWorld['answer']): FakeWorld['answer'] {
  return (host, words) => {
    if (words.join(' ').includes('id -u')) return { code: 1, lines: ['sudo: a password is required'] }
    return words.at(-1) === ':' ? { code: 0, lines: [] } : answer(host, words)
  }
}

/** The commands of `machine` with hosts that are only pretended, over a store in a folder of its own. */
export function fakeWorld(): FakeWorld {
  const root = mkdtempSync(join(tmpdir(), 'shoal-store-'))
  const held = new Set<string>()
  const run = (
    argv: readonly string[],
    world: { env?: Readonly<Record<string, string>>; input?: string; clock?: Clock } = {},
  ) =>
    runCommand(['--storage-path', root, ...argv], {
      root: machineGroup('9.9.9', async () => machineWorld),
      signal: fake.interrupt.signal,
      ...world,
    })
  const fake: FakeWorld = {
    machine: (...argv) => run(argv),
    withEnv: (env, ...argv) => run(argv, { env }),
    onClock: (clock, input, ...argv) => run(argv, { clock, input }),
    answering: (input, ...argv) => run(argv, { input }),
    root,
    interrupt: new AbortController(),
    readFile: path => readFileSync(join(root, path), 'utf8'),
    programs: [],
    programCode: 0,
    connections: [],
    packed: 0,
    commands: [],
    answer: () => ({ code: 0, lines: [] }),
    dial: () => Promise.reject(new Error('no sockets here')),
    refuse: undefined,
    provisioned: [],
    cleaned: [],
    upgraded: [],
    tokens: [],
    fetched: [],
    refuseFetch: undefined,
    asked: [],
    refuseEngine: undefined,
    certificates: {},
    finish: asOnAnyHost,
    dispose: () => rm(root, { recursive: true }),
  }
  const machineWorld: MachineWorld = {
    patience: clock => clock,
    files: {
      async writeDurably(path, text, mode) {
        await mkdir(join(path, '..'), { recursive: true })
        await writeFile(`${path}.tmp`, text, { mode: mode ?? 0o600 })
        await rename(`${path}.tmp`, path)
      },
      lock(path) {
        if (held.has(path)) return { held: false, holder: '1' }
        held.add(path)
        return { held: true, release: () => held.delete(path) }
      },
    },
    async connect(request) {
      fake.connections.push(request)
      const refusal = fake.refuse?.(request.host)
      if (refusal !== undefined) throw refusal
      const key = readHostKey(Buffer.from(HOST_KEY.split(' ')[1] ?? '', 'base64'))
      if (key !== undefined && request.pinned.length === 0) request.onPin?.(key)
      return pretendedHost(request.host, fake)
    },
    driverPorts(store, name, ports) {
      const real = driverPorts(store, name, ports)
      const isReachable: typeof real.isReachable = async (host, port, signal) =>
        LOOPBACK.includes(host) && real.isReachable(host, port, signal)
      return { ...real, isReachable, greetsBySsh: async () => false }
    },
    async runProgram(words) {
      const at = words.indexOf('-F')
      fake.programs.push({ words, config: at < 0 ? '' : readFileSync(words[at + 1] ?? '', 'utf8') })
      return fake.programCode
    },
    async bundle() {
      fake.packed++
      return { version: '9.9.9', digest: '0', architecture: 'x86_64', content: async () => Buffer.alloc(0) }
    },
    hosts: {
      async provision(request, options) {
        fake.provisioned.push({ request, options })
        // As one that is no member yet.
        if (options.dryRun !== true) await request.trust?.newToken?.(options.signal)
        return fake.finish(request, options)
      },
      async clean(request, options) {
        fake.cleaned.push({ request, data: options.data })
        return fake.finish(request, options)
      },
      async upgrade(request, options) {
        fake.upgraded.push({ request, options })
        return fake.finish(request, options)
      },
      async createToken(role, request, { onEvent }) {
        const place = { machine: request.machine.name, step: 'privilege', index: 3, total: 12 } as const
        onEvent({ ...place, ts: '2026-01-01T00:00:00.000Z', event: 'ok', message: 'root' })
        fake.tokens.push({ role, master: request.machine.name })
        return `token of a ${role}`
      },
    },
    async clientCertificate(asked) {
      fake.fetched.push(asked)
      if (fake.refuseFetch !== undefined) throw fake.refuseFetch
      const { cert, key } = await makeCertificate()
      await mkdir(asked.directory, { recursive: true })
      const files = { 'ca.pem': cert, 'cert.pem': cert, 'key.pem': key }
      for (const [name, text] of Object.entries(files)) await writeFile(join(asked.directory, name), text)
    },
    certificateOf: async ({ host, port }) => {
      const shown = fake.certificates[`${host}:${port}`]
      if (shown === undefined) throw new Error('nobody there')
      return shown
    },
    async askEngine(url) {
      fake.asked.push(url)
      if (fake.refuseEngine !== undefined) throw fake.refuseEngine
    },
    sshConfigOf: async ({ host, port = 22, user = 'root' }) =>
      `user ${user}\nhostname ${host}\nport ${port}\nproxyjump none\nidentityfile ~/.ssh/id_rsa\nsendenv LANG\n`,
  }
  return fake
}

async function asOnAnyHost(
  { machine, connect }: ProvisionRequest,
  { signal, onEvent }: Pick<ProvisionOptions, 'signal' | 'onEvent'>,
): Promise<ProvisionResult> {
  const result = {
    machine: machine.name,
    changed: ['engine'],
    planned: 1,
    warnings: [],
    roundTrips: 1,
    durationMs: 5,
  } as const
  const place = { ts: '2026-01-01T00:00:00.000Z', machine: machine.name, total: 12 } as const
  try {
    await (await connect(signal)).close()
    onEvent({ ...place, step: 'engine', index: 7, event: 'ok', message: 'engine 9.9.9 is there' })
    return { ...result, ok: true, exitCode: 0 }
  } catch (error) {
    const failure = error instanceof Error ? error : new Error(String(error))
    onEvent({ ...place, step: 'connect', index: 2, event: 'fail', message: failure.message })
    return {
      ...result,
      changed: [],
      planned: 0,
      ok: false,
      exitCode: exitCodeOf(error),
      failed: { step: 'connect', error: failure },
    }
  }
}

function pretendedHost(host: string, fake: FakeWorld): Awaited<ReturnType<MachineWorld['connect']>> {
  return {
    async run(words, { onLine, stdin = '' }) {
      const input = stdin.toString()
      fake.commands.push({ host, words, ...(input === '' ? {} : { input }) })
      const { code, lines, parts = [], errors = [] } = await fake.answer(host, words)
      for (const part of parts) onLine?.(part, 'stdout', true)
      for (const line of lines) onLine?.(line, 'stdout')
      for (const line of errors) onLine?.(line, 'stderr')
      const text = (each: readonly string[]): string => each.map(line => `${line}\n`).join('')
      return { code, stdout: text(lines), stderr: text(errors) }
    },
    dialSocket: async path => fake.dial(host, path),
    async close() {},
  }
}
