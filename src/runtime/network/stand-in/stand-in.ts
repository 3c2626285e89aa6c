import { type ChildProcess, spawn } from 'node:child_process'
import { readFileSync, rmSync, writeFileSync } from 'node:fs'
import { constants } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { sleep } from '../../../core/clock.ts'
import { errorMessage } from '../../../core/errors.ts'
import { identifyProcess, isAlive, type ProcessIdentity, sendSignal } from '../../linux/process/process-identity.ts'
import { programBeside } from '../../linux/process/program-beside.ts'
import { PROGRAM_PATH } from '../../linux/process/run-command.ts'
import type { NameSource } from '../../ports.ts'
import { LeftNames, type LeftNamesPorts, NAMES_FILE } from './left-names.ts'
import type { StandInPlaces } from './stand-in-program.ts'

/** Waits for the end of its input, which is ours, then becomes the program that answers. */
const WAIT = 'read _; exec "$0" "$@"'
/** A killed process lets go of its sockets within this; if not, others are taken. */
const END_MS_MAX = 1_000
const END_LOOK_MS = 5

/**
 * Answers containers' questions for names while no engine runs: a shell that waits, hardly a megabyte of memory, for the
 * engine to end in whatever way, and then starts the program. The engine that comes next ends it.
 */
export class StandIn {
  readonly #file: string
  readonly #places: StandInPlaces
  readonly #ports: LeftNamesPorts
  readonly #left: LeftNames
  #child: ChildProcess | undefined

  constructor(places: StandInPlaces, ports: LeftNamesPorts) {
    this.#file = join(places.execFolder, 'stand-in.json')
    this.#places = places
    this.#ports = ports
    this.#left = new LeftNames(join(places.execFolder, NAMES_FILE), ports)
  }

  /** Names that it is to know besides those of this engine's containers. */
  follow(source: NameSource): void {
    this.#left.follow(source)
  }

  /** Ends the one of an earlier life; resolves when its sockets are free. */
  async endEarlier(): Promise<void> {
    const earlier = readIdentity(this.#file)
    if (earlier === undefined) return
    const { clock, log } = this.#ports
    try {
      sendSignal(earlier, constants.signals.SIGKILL)
      for (let leftMs = END_MS_MAX; leftMs > 0 && isAlive(earlier); leftMs -= END_LOOK_MS)
        await sleep(clock, END_LOOK_MS)
    } catch (error) {
      log.warn({ error: errorMessage(error) }, 'cannot end what answered for names while no engine ran')
    }
    rmSync(this.#file, { force: true })
  }

  /** From now on somebody is there when this process ends. */
  begin(): void {
    if (this.#child !== undefined) return
    const program = [
      process.execPath,
      fileURLToPath(programBeside(import.meta.url, 'stand-in-program')),
      JSON.stringify(this.#places),
    ]
    const child = spawn('/bin/sh', ['-c', WAIT, ...program], {
      cwd: '/',
      env: { PATH: PROGRAM_PATH },
      stdio: ['pipe', 'ignore', 'ignore'],
      // A signal to our process group, such as Ctrl-C, is not for it.
      detached: true,
    })
    this.#child = child
    child.on('error', error => this.#ports.log.warn({ error: error.message }, 'nobody will answer for names after us'))
    child.stdin.on('error', () => {})
    child.unref()
    const identity = child.pid === undefined ? undefined : identifyProcess(child.pid)
    if (identity !== undefined) writeFileSync(this.#file, JSON.stringify(identity), { mode: 0o600 })
  }

  /** `isNeeded`: containers go on without the engine, and it takes over. */
  close({ isNeeded }: { readonly isNeeded: boolean }): void {
    this.#left.close()
    if (!isNeeded) {
      this.#child?.kill('SIGKILL')
      rmSync(this.#file, { force: true })
    }
    this.#child?.stdin?.destroy()
    this.#child = undefined
  }
}

function readIdentity(file: string): ProcessIdentity | undefined {
  try {
    return JSON.parse(readFileSync(file, 'utf8')) as ProcessIdentity
  } catch {
    return undefined
  }
}
