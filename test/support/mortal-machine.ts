import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdirSync, watch, writeFileSync } from 'node:fs'
import { basename, dirname } from 'node:path'
import { text } from 'node:stream/consumers'
import { type MachineWorld, machineGroup, runProgram } from '../../src/cli/index.ts'
import type { Transport } from '../../src/machine/index.ts'
import type { ProvisionEvent } from '../../src/machine/provision/event.ts'
import { processContext } from '../../src/main/context.ts'
import { createMachineWorld } from '../../src/main/machine/world.ts'
import { VERSION } from '../../src/main/version.ts'

/**
 * When `machine` dies by kill -9: around a step of provisioning, a command on a host whose script, words and input hold all these texts,
 * or the writing of a file whose path ends so. `during`: the command is on its way, and may have begun; the file's draft is there.
 */
export type Death = { readonly when: 'before' | 'during' | 'after' } & (
  | { readonly step: string }
  | { readonly command: readonly string[] }
  | { readonly file: string }
)

/** A death with its name. */
export interface Dying {
  readonly title: string
  readonly death: Death
}

type When = Death['when']

const TITLES: Readonly<Record<When, string>> = { before: 'before', during: 'while', after: 'after' }

export const step = (name: string, when: When): Dying => ({
  title: `${when} the step ${name}`,
  death: { step: name, when },
})

/** The file whose path ends so. */
export const writing = (file: string, when: When): Dying => ({
  title: `${TITLES[when]} writing ${file}`,
  death: { file, when },
})

/** Around a command that holds all these texts. */
export function around(title: string, whens: readonly When[], ...texts: readonly string[]): Dying[] {
  return whens.map(when => ({ title: `${TITLES[when]} ${title}`, death: { command: texts, when } }))
}

export interface Ran {
  readonly code: number | null
  readonly signal: NodeJS.Signals | null
  readonly stdout: string
  readonly stderr: string
  /** Commands that were run on hosts; none is known of who died. */
  readonly commands: number | undefined
}

const COMMANDS = 3
const PROGRAM = import.meta.filename
/** Most scripts need longer than that, once they are there. */
const DURING_MS = 30

/** Runs `machine` from its sources with a store, as a process that may die. */
export async function mortalMachine(store: string, argv: readonly string[], death?: Death): Promise<Ran> {
  const words = [PROGRAM, JSON.stringify(death ?? null), '--storage-path', store, ...argv]
  const child = spawn(process.execPath, words, { stdio: ['ignore', 'pipe', 'pipe', 'pipe'] })
  const said = [child.stdout, child.stderr, child.stdio[COMMANDS]].map(stream => text(stream as NodeJS.ReadableStream))
  const [code, signal] = (await once(child, 'exit')) as [number | null, NodeJS.Signals | null]
  const [stdout = '', stderr = '', commands = ''] = await Promise.all(said)
  return { code, signal, stdout, stderr, commands: commands === '' ? undefined : Number(commands) }
}

function die(): never {
  process.kill(process.pid, 'SIGKILL')
  throw new Error('unreachable: nobody outlives it')
}

/** The real world with an end that is told. */
class MortalWorld {
  commands = 0
  readonly #real: MachineWorld = createMachineWorld()
  readonly #death: Death | undefined

  constructor(death: Death | undefined) {
    this.#death = death
  }

  get world(): MachineWorld {
    const { files, hosts, connect, clientCertificate } = this.#real
    return {
      ...this.#real,
      connect: async (request, context, signal) => this.#mortal(await connect(request, context, signal)),
      files: {
        ...files,
        writeDurably: (path, content, mode) => this.#writing(path, () => files.writeDurably(path, content, mode)),
      },
      hosts: {
        ...hosts,
        provision: (request, options, ports) =>
          hosts.provision(request, { ...options, onEvent: event => this.#hear(event, options.onEvent) }, ports),
      },
      clientCertificate: async (asked, context) => {
        const death = this.#death
        mkdirSync(asked.directory, { recursive: true, mode: 0o700 })
        // It writes files by itself.
        if (death !== undefined && 'file' in death) dieByFile(asked.directory, death)
        await clientCertificate(asked, context)
      },
    }
  }

  #hear(event: ProvisionEvent, tell: (event: ProvisionEvent) => void): void {
    tell(event)
    const death = this.#death
    if (death === undefined || !('step' in death) || death.step !== event.step) return
    if (event.event === (death.when === 'before' ? 'start' : 'ok')) die()
  }

  #mortal(transport: Transport): Transport {
    return {
      dialSocket: (path, signal) => transport.dialSocket(path, signal),
      close: () => transport.close(),
      run: async (words, options) => {
        this.commands++
        const death = this.#death
        const said = [...words, String(options.stdin ?? '')].join('\n')
        if (death === undefined || !('command' in death) || !death.command.every(each => said.includes(each))) {
          return transport.run(words, options)
        }
        if (death.when === 'before') die()
        if (death.when === 'during') setTimeout(die, DURING_MS)
        await transport.run(words, options)
        die()
      },
    }
  }

  async #writing(path: string, write: () => Promise<void>): Promise<void> {
    const death = this.#death
    if (death === undefined || !('file' in death) || !path.endsWith(death.file)) return write()
    if (death.when === 'before') die()
    if (death.when === 'during') dieByFile(dirname(path), death)
    await write()
    die()
  }
}

/** As soon as the file is there, or its draft. */
function dieByFile(folder: string, { file, when }: Extract<Death, { readonly file: string }>): void {
  const name = basename(file)
  watch(folder, (_, changed) => {
    const isDraft = changed?.startsWith(`${name}.`) === true && changed.endsWith('.tmp')
    if (when === 'during' ? isDraft : changed === name) die()
  })
}

if (process.argv[1] === PROGRAM) {
  const [death = 'null', ...argv] = process.argv.slice(2)
  const mortal = new MortalWorld(JSON.parse(death) ?? undefined)
  const root = machineGroup(VERSION, async () => mortal.world)
  process.exitCode = await runProgram(argv, { root, version: VERSION }, processContext())
  writeFileSync(COMMANDS, String(mortal.commands))
}
