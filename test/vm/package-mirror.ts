import { once } from 'node:events'
import { createReadStream, mkdtempSync, readdirSync } from 'node:fs'
import { mkdtemp, rm } from 'node:fs/promises'
import { createServer, type Server, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { command } from '../../scripts/lib/command.ts'

const INDEX = '/Packages'

/**
 * A mirror of some packages and all that they depend on, for hosts that reach nobody but this machine. Each is fetched when it is first
 * asked for, as this machine's own apt fetches packages: where from, its configuration says.
 */
export class PackageMirror {
  readonly #directory = mkdtempSync(join(tmpdir(), 'shoal-mirror-'))
  readonly #index: string
  readonly #versions: ReadonlyMap<string, string>
  readonly #server: Server
  readonly #fetched = new Map<string, Promise<string>>()
  #gate: Promise<void> | undefined

  private constructor(stanzas: readonly Stanza[]) {
    this.#index = stanzas.map(({ text }) => text).join('\n\n')
    this.#versions = new Map(stanzas.map(({ file, name, version }) => [`/${file}`, `${name}=${version}`]))
    this.#server = createServer((request, response) => {
      const path = decodeURIComponent(new URL(request.url ?? '', 'http://mirror').pathname)
      this.#answer(path, response).catch(error => response.destroy(error))
    })
  }

  /** `address`: of this machine, as hosts reach it. */
  static async open(packages: readonly string[], address: string): Promise<PackageMirror> {
    const only = ['recommends', 'suggests', 'conflicts', 'breaks', 'replaces', 'enhances'].map(kind => `--no-${kind}`)
    const tree = await command(['apt-cache', 'depends', '--recurse', ...only, ...packages])
    const names = tree.split('\n').filter(line => /^[a-z0-9]/.test(line))
    const shown = await command(['apt-cache', 'show', '--no-all-versions', ...names])
    const mirror = new PackageMirror(shown.trim().split('\n\n').map(readStanza))
    mirror.#server.listen(0, address)
    await once(mirror.#server, 'listening')
    return mirror
  }

  /** A line of sources.list. */
  get source(): string {
    const { address, port } = this.#server.address() as AddressInfo
    return `deb [trusted=yes] http://${address}:${port} ./`
  }

  /** Holds back all packages until what it returns is called: whoever installs one keeps the lock as long. */
  holdBack(): () => void {
    const { promise, resolve } = Promise.withResolvers<void>()
    this.#gate = promise
    return resolve
  }

  async close(): Promise<void> {
    this.#server.closeAllConnections()
    await new Promise(resolve => this.#server.close(resolve))
    await Promise.allSettled(this.#fetched.values())
    await rm(this.#directory, { recursive: true })
  }

  async #answer(path: string, response: ServerResponse): Promise<void> {
    if (path === INDEX) return void response.end(this.#index)
    const version = this.#versions.get(path)
    if (version === undefined) return void response.writeHead(404).end()
    await this.#gate
    const file = this.#fetched.get(version) ?? this.#fetch(version)
    this.#fetched.set(version, file)
    createReadStream(await file).pipe(response)
  }

  async #fetch(version: string): Promise<string> {
    const folder = await mkdtemp(join(this.#directory, 'package-'))
    const words = ['apt-get', '-q', '-o', 'APT::Sandbox::User=root', 'download', version]
    await command(words, { cwd: folder, timeoutMs: 300_000 })
    const [name] = readdirSync(folder)
    if (name === undefined) throw new Error(`apt-get brought no file of ${version}`)
    return join(folder, name)
  }
}

interface Stanza {
  readonly name: string
  readonly version: string
  readonly file: string
  readonly text: string
}

/** Of apt's index, with the file where this mirror has it. */
function readStanza(text: string): Stanza {
  const field = (name: string): string => new RegExp(`^${name}: (.*)$`, 'm').exec(text)?.[1] ?? ''
  const file = `${field('Package')}_${field('Version').replace(/^\d+:/, '')}.deb`
  return {
    name: field('Package'),
    version: field('Version'),
    file,
    text: text.replace(/^Filename: .*$/m, `Filename: ./${file}`),
  }
}
