import { writeFile } from 'node:fs/promises'
import { isAbsolute, join, resolve } from 'node:path'
import { Readable } from 'node:stream'
import { text } from 'node:stream/consumers'
import { parseBytes } from '../../../core/units.ts'
import type { Call } from '../../../docker-api/index.ts'
import { packContext, packDockerfile } from '../../build-context/pack-context.ts'
import { type EngineCommand, withEngine } from '../../engine/engine-api.ts'
import { followProgress } from '../../engine/progress-stream.ts'
import { allLogins } from '../../engine/registry-login.ts'
import { createProgressDisplay } from '../../output/progress-display.ts'
import { labelsOf } from '../container/create/read-lines.ts'
import { pairs } from '../container/create/read-values.ts'

const TAR = 'application/x-tar'
/** How much of what a quiet build said is kept at least, in case it fails. */
const HIDDEN_CHARS_MIN = 512 * 1024

/** `shoal build`: builds an image; prints the steps, or with `-q` only the image's id. */
export const runBuild = withEngine(async command => {
  const { api, options, context } = command
  const quiet = options.flag('quiet')
  const { asked, remote, dockerfile } = await contextOf(command)
  const query = { ...(await buildQuery(command)), dockerfile, remote }
  const headers = {
    'x-registry-config': Buffer.from(JSON.stringify(await allLogins(context.env))).toString('base64url'),
  }
  const search = new URLSearchParams(
    Object.entries(query).flatMap(([key, value]) => (value === undefined ? [] : [[key, String(value)]])),
  )
  for (const tag of options.list('tag')) search.append('t', tag)
  for (const host of options.list('addHost')) search.append('extrahosts', host)
  let id = ''
  const display = createProgressDisplay(context.stdout)
  const body = await api.stream('POST', `/build?${search.toString()}`, { ...asked, headers })
  let hidden = ''
  try {
    await followProgress(body, message => {
      const aux = message.aux?.['ID']
      if (typeof aux === 'string') id = aux
      if (quiet) hidden = keptEnd(hidden + (message.stream ?? ''))
      else display.show(message)
    })
  } catch (error) {
    // What went wrong stands in what was not shown.
    context.stderr.write(hidden)
    throw error
  }
  if (quiet) context.stdout.write(`${id === '' ? (hidden.trim().split('\n').at(-1) ?? '') : id}\n`)
  const idFile = options.text('iidfile')
  if (idFile !== undefined) await writeFile(idFile, id)
})

/** The end of a text that grows. Cut only now and then: every cut copies what is kept. */
function keptEnd(text: string): string {
  return text.length > 2 * HIDDEN_CHARS_MIN ? text.slice(-HIDDEN_CHARS_MIN) : text
}

async function buildQuery({ options, context: { env } }: EngineCommand) {
  const list = (name: string): string | undefined =>
    options.list(name).length === 0 ? undefined : JSON.stringify(options.list(name))
  const map = (name: string): string | undefined => {
    const values = options
      .list(name)
      .flatMap(line => (line.includes('=') ? [line] : env[line] === undefined ? [] : [`${line}=${env[line]}`]))
    return options.list(name).length === 0 ? undefined : JSON.stringify(pairs(values))
  }
  const on = (name: string): 1 | undefined => (options.flag(name) ? 1 : undefined)
  const bytes = (name: string): number | undefined => {
    const given = options.text(name)
    return given === undefined ? undefined : parseBytes(given)
  }
  return {
    target: options.text('target'),
    platform: options.text('platform'),
    networkmode: options.text('network'),
    buildargs: map('buildArg'),
    labels: options.list('label').length === 0 ? undefined : JSON.stringify(labelsOf(options)),
    cachefrom: list('cacheFrom'),
    nocache: options.choice('cache') === false ? 1 : undefined,
    pull: on('pull'),
    q: on('quiet'),
    rm: options.text('rm') === 'false' ? 0 : 1,
    forcerm: on('forceRm'),
    squash: on('squash'),
    memory: bytes('memory'),
    memswap: options.text('memorySwap') === '-1' ? -1 : bytes('memorySwap'),
    shmsize: bytes('shmSize'),
    cpushares: options.number('cpuShares'),
    cpuperiod: options.number('cpuPeriod'),
    cpuquota: options.number('cpuQuota'),
    cpusetcpus: options.text('cpusetCpus'),
    cpusetmems: options.text('cpusetMems'),
  }
}

interface BuildInput {
  readonly asked: Partial<Call>
  readonly remote?: string
  readonly dockerfile?: string
}

/** A folder, an address that the engine fetches itself, or `-`: a Dockerfile or a tar on standard input. */
async function contextOf({ args: [source = ''], options, context }: EngineCommand): Promise<BuildInput> {
  const file = options.text('file')
  if (/^(https?|git):\/\/|^git@|^github\.com\//.test(source)) {
    return { asked: {}, remote: source, ...(file === undefined ? {} : { dockerfile: file }) }
  }
  if (source === '-') return fromInput(context, file)
  const directory = resolve(context.cwd, source)
  const inline = file === '-' ? { inline: await text(context.stdin) } : {}
  const dockerfile =
    file === undefined || file === '-' ? 'Dockerfile' : isAbsolute(file) ? file : join(context.cwd, file)
  const packed = await packContext({ directory, dockerfile, ...inline })
  return { asked: { body: packed.tar, contentType: TAR }, dockerfile: packed.dockerfile }
}

async function fromInput(context: EngineCommand['context'], file: string | undefined): Promise<BuildInput> {
  if (file !== undefined) return { asked: { body: context.stdin, contentType: TAR }, dockerfile: file }
  const chunks: Buffer[] = []
  for await (const chunk of context.stdin as AsyncIterable<Buffer>) chunks.push(Buffer.from(chunk))
  const data = Buffer.concat(chunks)
  if (isArchive(data)) return { asked: { body: Readable.from([data]), contentType: TAR }, dockerfile: 'Dockerfile' }
  return { asked: { body: packDockerfile(data), contentType: TAR }, dockerfile: 'Dockerfile' }
}

/** How packed archives begin: gzip, bzip2, xz and zstd. */
const PACKED = ['1f8b', '425a68', 'fd377a585a', '28b52ffd']

function isArchive(data: Buffer): boolean {
  const head = data.subarray(0, 8).toString('hex')
  return data.subarray(257, 262).toString() === 'ustar' || PACKED.some(magic => head.startsWith(magic))
}
