import { mkdir, readdir, rename, rm, stat } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { type Clock, sleep } from '../../core/clock.ts'
import { conflict, errorCode, errorMessage, failed, notFound } from '../../core/errors.ts'
import { splitSettings } from '../drivers/secrets.ts'
import type { Machine } from '../model/machine.ts'
import { checkMachineName, compareNames } from '../model/machine-name.ts'
import type { CacheWait, StoreFiles } from '../ports.ts'
import type { HostKey } from '../ssh/host-key.ts'
import { ifThere, readIfThere } from './if-there.ts'
import { formatMachine, formatSecrets, parseMachine, parseSecrets } from './machine-file.ts'
import { formatPins, readPins } from './pinned-keys.ts'
import { parseUnfinished, type Unfinished } from './unfinished.ts'

const RECORD = 'machine.json'
const SECRETS = 'secrets.json'
const PINS = 'known_hosts'
const UNFINISHED = 'unfinished.json'
/** No machine can be called that. */
const CERTIFICATES_LOCK = '.certificates'
const DRAFT = /\.tmp$/
const LOCK_POLL_MS = 100
/** As long as another command may change a machine before one that waits gives up. */
const LOCK_WAIT_MS = 10_000
/** As long as an image may be built. */
const CACHE_WAIT_MS = 1_800_000

interface LockWait extends Partial<CacheWait> {
  readonly signal: AbortSignal
  readonly waitMs: number
  readonly busy: (holder: string) => Error
}

/**
 * The machines that one person knows, each in a folder of its own:
 *
 *     machines/<name>/machine.json   what is known of it
 *     machines/<name>/secrets.json   what of it nobody else may know: tokens
 *     machines/<name>/unfinished.json  that it was not made to its end, and why; absent: it was
 *     machines/<name>/known_hosts    the keys that its sshd must show
 *     machines/<name>/*.pem          how its engine is reached; $DOCKER_CERT_PATH points here
 *     certs/*.pem                    the authority of engines in no cluster, and the person's own certificate
 *     locks/<name>                   held by whoever changes it
 *     cache/                         what machines share and can be made again: images
 *
 * Nothing in it says where it stands, so that the folder can be moved or copied.
 */
export class MachineStore {
  readonly root: string
  readonly #files: StoreFiles
  readonly #clock: Clock

  constructor(root: string, { files, clock }: { readonly files: StoreFiles; readonly clock: Clock }) {
    this.root = root
    this.#files = files
    this.#clock = clock
  }

  /** What machines share and can be made again. */
  get cacheFolder(): string {
    return join(this.root, 'cache')
  }

  /** Where a machine's files are. */
  folderOf(name: string): string {
    checkMachineName(name)
    return join(this.root, 'machines', name)
  }

  /** Names of all machines, `n2` before `n10`. */
  async names(): Promise<string[]> {
    const entries = await ifThere(join(this.root, 'machines'), path => readdir(path, { withFileTypes: true }))
    const folders = (entries ?? []).filter(entry => entry.isDirectory() && !entry.name.startsWith('.'))
    // One without a record is no machine: locks and what a crash left are kept there too.
    const found = await Promise.all(
      folders.map(async ({ name }) => ((await ifThere(join(this.root, 'machines', name, RECORD), stat)) ? [name] : [])),
    )
    return found.flat().toSorted(compareNames)
  }

  async has(name: string): Promise<boolean> {
    return (await this.#read(name, RECORD)) !== undefined
  }

  /** Throws NO_SUCH_MACHINE, or BAD_MACHINE_FILE for a record that cannot be read. */
  async load(name: string): Promise<Machine> {
    const text = await this.#read(name, RECORD)
    if (text === undefined) {
      throw notFound(
        'NO_SUCH_MACHINE',
        `Machine "${name}" does not exist: \`machine ls\` lists those there are, \`machine create\` makes one`,
      )
    }
    // Its folder says what it is called, so that giving it another name is one step.
    const machine = { ...parseMachine(text, join(this.folderOf(name), RECORD)), name }
    const secrets = await this.#read(name, SECRETS)
    if (secrets === undefined) return machine
    const secret = parseSecrets(secrets, join(this.folderOf(name), SECRETS))
    return { ...machine, settings: { ...machine.settings, ...secret } }
  }

  async save(machine: Machine): Promise<void> {
    const { open, secret } = splitSettings(machine)
    if (Object.keys(secret).length > 0) await this.writeFile(machine.name, SECRETS, formatSecrets(secret))
    await this.writeFile(machine.name, RECORD, formatMachine({ ...machine, settings: open }))
  }

  /** Writes a file beside a machine's record, such as a certificate; only its owner may read it. */
  async writeFile(name: string, file: string, content: string | Uint8Array): Promise<void> {
    const folder = this.folderOf(name)
    try {
      await mkdir(folder, { recursive: true, mode: 0o700 })
      await this.#files.writeDurably(join(folder, file), content, 0o600)
    } catch (cause) {
      throw failed('STORE_WRITE', `Cannot write to ${folder}: ${errorMessage(cause)}`, { cause })
    }
  }

  /** Why a machine is not whole yet; undefined: its making came to its end. */
  async unfinished(name: string): Promise<Unfinished | undefined> {
    const text = await this.#read(name, UNFINISHED)
    return text === undefined ? undefined : parseUnfinished(text)
  }

  /** From now on a machine is not whole, or with undefined it is. */
  async setUnfinished(name: string, unfinished: Unfinished | undefined): Promise<void> {
    if (unfinished !== undefined) return this.writeFile(name, UNFINISHED, `${JSON.stringify(unfinished)}\n`)
    const path = join(this.folderOf(name), UNFINISHED)
    try {
      await rm(path, { force: true })
    } catch (cause) {
      throw failed('STORE_WRITE', `Cannot remove ${path}: ${errorMessage(cause)}`, { cause })
    }
  }

  /** Where the pinned keys stand, as ssh reads them. */
  pinnedFileOf(name: string): string {
    return join(this.folderOf(name), PINS)
  }

  /** The host keys that alone are a machine's; none: it has not been connected to. */
  async pinnedKeys(name: string): Promise<readonly HostKey[]> {
    return readPins((await this.#read(name, PINS)) ?? '')
  }

  /** From now on a machine must show this key. */
  async pin(name: string, key: HostKey): Promise<void> {
    await this.writeFile(name, PINS, formatPins([key]))
  }

  /** Gives a machine another name. Whoever dies at it leaves it under the old name or the new one, whole. Throws NAME_TAKEN. */
  async rename(name: string, to: string): Promise<void> {
    const machine = await this.load(name)
    if (await this.has(to)) throw conflict('NAME_TAKEN', `Machine "${to}" exists already: choose another name`)
    try {
      await rename(this.folderOf(name), this.folderOf(to))
    } catch (cause) {
      const isInWay = errorCode(cause) === 'ENOTEMPTY' || errorCode(cause) === 'EEXIST'
      if (!isInWay)
        throw failed('STORE_WRITE', `Cannot rename ${this.folderOf(name)}: ${errorMessage(cause)}`, { cause })
      throw conflict('NAME_TAKEN', `${this.folderOf(to)} holds files of no machine: remove it, or choose another name`)
    }
    await this.save({ ...machine, name: to })
  }

  /** Forgets a machine, with its certificates and keys. */
  async remove(name: string): Promise<void> {
    await rm(this.folderOf(name), { recursive: true, force: true })
  }

  /**
   * Does work while nobody else changes the machine, be it another process. Throws MACHINE_BUSY naming the process that has
   * been at it for ten seconds.
   */
  async exclusively<T>(name: string, signal: AbortSignal, work: () => Promise<T>): Promise<T> {
    checkMachineName(name)
    const swept = () => removeDrafts(this.folderOf(name)).then(work)
    return this.#whileLocked(join(this.root, 'locks', name), swept, {
      signal,
      waitMs: LOCK_WAIT_MS,
      busy: holder =>
        conflict('MACHINE_BUSY', `Process ${holder} is changing machine "${name}": wait for it, or end it`),
    })
  }

  /** The same for the certificates that all machines share. Throws CERTIFICATES_BUSY. */
  async withCertificates<T>(signal: AbortSignal, work: () => Promise<T>): Promise<T> {
    const swept = () => removeDrafts(join(this.root, 'certs')).then(work)
    return this.#whileLocked(join(this.root, 'locks', CERTIFICATES_LOCK), swept, {
      signal,
      waitMs: LOCK_WAIT_MS,
      busy: holder => conflict('CERTIFICATES_BUSY', `Process ${holder} is making certificates: wait for it, or end it`),
    })
  }

  /**
   * Does work on what is in the cache under a name while nobody else does, be it for another store that has the same cache. `onWait`
   * hears, once, for which process it waits. Throws CACHE_BUSY naming the process that has been at it for half an hour.
   */
  async cacheExclusively<T>(name: string, work: () => Promise<T>, { signal, onWait }: CacheWait): Promise<T> {
    return this.#whileLocked(join(this.cacheFolder, 'locks', name), work, {
      signal,
      waitMs: CACHE_WAIT_MS,
      onWait,
      busy: holder => conflict('CACHE_BUSY', `Process ${holder} is still making ${name}: wait for it, or end it`),
    })
  }

  async #whileLocked<T>(path: string, work: () => Promise<T>, wait: LockWait): Promise<T> {
    await mkdir(dirname(path), { recursive: true, mode: 0o700 })
    const untilMs = this.#clock.monotonicMs() + wait.waitMs
    let isTold = false
    for (;;) {
      const lock = this.#files.lock(path)
      if (lock.held) {
        try {
          return await work()
        } finally {
          lock.release()
        }
      }
      if (this.#clock.monotonicMs() >= untilMs) throw wait.busy(lock.holder)
      if (!isTold) wait.onWait?.(lock.holder)
      isTold = true
      await sleep(this.#clock, LOCK_POLL_MS, wait.signal)
    }
  }

  async #read(name: string, file: string): Promise<string | undefined> {
    return readIfThere(join(this.folderOf(name), file))
  }
}

/**
 * What others left who were killed while they had the lock of a folder, which may be somebody's key. Keys of hosts are pinned without
 * the lock: such a draft may be about to become the file.
 */
async function removeDrafts(folder: string): Promise<void> {
  const names = await readdir(folder).catch(() => [])
  const drafts = names.filter(name => DRAFT.test(name) && !name.startsWith(PINS))
  for (const name of drafts) await rm(join(folder, name), { force: true }).catch(() => {})
}
