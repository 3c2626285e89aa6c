import { dirname } from 'node:path'
import { type EngineHttp, type HttpAnswer, talkTo } from '../../support/engine-http.ts'
import type { PeerEngine } from '../../support/peer-engine.ts'
import type { Answer } from './compare.ts'
import { normalise } from './normalise.ts'
import { type ProgramOptions, runProgram } from './program.ts'

const AGE = /\b(less than a second|about an? (minute|hour)|\d+ (second|minute|hour|day|week|month|year)s?)( ago)?\b/gi

interface RunOptions {
  readonly title?: string
  /** Where the order of lines is chance: output of several containers at once. */
  readonly sorted?: boolean
  /** Where what is shown is chance too, such as the echo of what was typed before anybody listened. */
  readonly onlyCode?: boolean
}

/** What a test does to one engine, and what it answered. The same calls in the same order are made to the other one. */
export class Script {
  readonly engine: PeerEngine
  readonly http: EngineHttp
  readonly answers: Answer[] = []
  readonly #names: Map<string, string>
  readonly #cleanUp: (() => Promise<unknown>)[] = []

  constructor(engine: PeerEngine) {
    this.engine = engine
    this.http = talkTo(engine.socket)
    this.#names = new Map([
      [engine.dataRoot, '<data>'],
      [dirname(engine.dataRoot), '<host>'],
    ])
  }

  /** From now on a word stands for what is another one for the other engine. */
  rename(text: string, word: string): void {
    this.#names.set(text, word)
  }

  /** Notes an answer under the words of what was asked. */
  tell(step: string, value: unknown): void {
    this.answers.push({ step, value: normalise(value, this.#names) })
  }

  /** Asks, notes status and body under `title` (else method and path), and resolves with the body. */
  async ask(
    method: string,
    path: string,
    { body, title = `${method} ${path}` }: { body?: unknown; title?: string } = {},
  ): Promise<Readonly<Record<string, unknown>>> {
    const sent = body === undefined || Buffer.isBuffer(body) ? body : JSON.stringify(body)
    const answer = await this.http.call(method, `/v1.41${escaped(path)}`, sent)
    const value = bodyOf(answer)
    this.tell(title, { status: answer.status, type: answer.headers['content-type'], body: value })
    return typeof value === 'object' && value !== null ? (value as Readonly<Record<string, unknown>>) : {}
  }

  /** Asks without noting: for making and removing what a test needs. */
  async quietly(method: string, path: string, body?: unknown): Promise<Readonly<Record<string, unknown>>> {
    const answer = await this.http.call(
      method,
      `/v1.41${path}`,
      body === undefined ? undefined : Buffer.isBuffer(body) ? body : JSON.stringify(body),
    )
    const value = bodyOf(answer)
    return typeof value === 'object' && value !== null ? (value as Readonly<Record<string, unknown>>) : {}
  }

  /** Runs a program against the engine and notes exit code and output under its words (or `title`). Resolves with stdout. */
  async run(
    argv: readonly string[],
    {
      title = argv.join(' ').replace('/usr/bin/', ''),
      sorted = false,
      onlyCode = false,
      ...options
    }: ProgramOptions & RunOptions = {},
  ): Promise<string> {
    const { code, stdout, stderr } = await runProgram(argv, {
      ...options,
      environment: {
        PATH: process.env['PATH'] ?? '',
        HOME: '/nonexistent',
        DOCKER_HOST: this.engine.url,
        DOCKER_BUILDKIT: '0',
        ...options.environment,
      },
    })
    const text = stdout.toString()
    const shown = onlyCode ? {} : { stdout: linesOf(text, sorted), stderr: linesOf(stderr, sorted) }
    this.tell(title, { code, ...shown })
    return text
  }

  afterwards(undo: () => Promise<unknown>): void {
    this.#cleanUp.push(undo)
  }

  /** Removes every container, network, volume and what was registered, whatever the test did. */
  async clean(): Promise<void> {
    for (const undo of this.#cleanUp.toReversed()) await undo().catch(() => {})
    for (const { Id } of await this.#list('/containers/json?all=1')) {
      await this.quietly('DELETE', `/containers/${Id}?force=1&v=1`)
    }
    for (const { Id, Name = '' } of await this.#list('/networks')) {
      if (!['bridge', 'host', 'none'].includes(Name)) await this.quietly('DELETE', `/networks/${Id}`)
    }
    const { Volumes } = (await this.quietly('GET', '/volumes')) as { Volumes?: readonly { Name: string }[] }
    for (const { Name } of Volumes ?? []) await this.quietly('DELETE', `/volumes/${Name}?force=1`)
    this.http.close()
  }

  async #list(path: string): Promise<readonly { readonly Id: string; readonly Name?: string }[]> {
    const list: unknown = await this.quietly('GET', path)
    return Array.isArray(list) ? (list as { Id: string }[]) : []
  }
}

/** Quotes and braces of a filter written by hand; what is escaped already stays. */
function escaped(path: string): string {
  return path.replaceAll(/["{} [\]]/g, encodeURIComponent)
}

/** Lines as a person reads them: columns one space apart, ages and durations left out, progress bars as their end. */
function linesOf(text: string, sorted: boolean): readonly string[] {
  const lines = text
    .split('\n')
    .map(line => (line.replace(/\r$/, '').split('\r').at(-1) ?? '').replaceAll(/ {2,}|\t/g, ' ').trimEnd())
    .map(line => line.replaceAll(AGE, '<age>'))
  return sorted ? lines.toSorted() : lines
}

/** JSON as a value, several lines of it as a list, and anything else as text. */
function bodyOf({ headers, body }: HttpAnswer): unknown {
  const text = body.toString()
  if (!String(headers['content-type']).includes('json')) return text
  try {
    return JSON.parse(text)
  } catch {
    const lines = text.split('\n').filter(line => line.trim() !== '')
    try {
      return lines.map(line => JSON.parse(line) as unknown)
    } catch {
      return text
    }
  }
}
