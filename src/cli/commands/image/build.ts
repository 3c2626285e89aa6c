import { writeFile } from 'node:fs/promises'
import { isAbsolute, join, resolve } from 'node:path'
import { Readable } from 'node:stream'
import { text } from 'node:stream/consumers'
import { createGzip } from 'node:zlib'
import type { Call } from '../../../docker-api/index.ts'
import { packContext, packDockerfile } from '../../build-context/pack-context.ts'
import { type EngineCommand, withEngine } from '../../engine/engine-api.ts'
import { followProgress } from '../../engine/progress-stream.ts'
import { allLogins } from '../../engine/registry-login.ts'
import { createProgressDisplay } from '../../output/progress-display.ts'
import { buildSearch, isQuiet, readSecrets } from './build-query.ts'

const TAR = 'application/x-tar'
/** How much of what a quiet build said is kept at least, in case it fails. */
const HIDDEN_CHARS_MIN = 512 * 1024

/** `shoal build`: builds an image; prints the steps, or with `-q` only the image's id. */
export const runBuild = withEngine(async command => {
  const { api, options, context } = command
  const quiet = isQuiet(options)
  const search = buildSearch(options, context)
  const secrets = readSecrets(options.list('secret'), context)
  const { asked, remote, dockerfile } = await contextOf(command)
  if (dockerfile !== undefined) search.set('dockerfile', dockerfile)
  if (remote !== undefined) search.set('remote', remote)
  const headers = {
    'x-registry-config': asHeader(await allLogins(context.env)),
    ...(Object.keys(secrets).length === 0 ? {} : { 'x-build-secrets': asHeader(secrets) }),
  }
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

const asHeader = (value: object): string => Buffer.from(JSON.stringify(value)).toString('base64url')

/** The end of a text that grows. Cut only now and then: every cut copies what is kept. */
function keptEnd(text: string): string {
  return text.length > 2 * HIDDEN_CHARS_MIN ? text.slice(-HIDDEN_CHARS_MIN) : text
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
  const body = options.flag('compress') ? packed.tar.pipe(createGzip()) : packed.tar
  return { asked: { body, contentType: TAR }, dockerfile: packed.dockerfile }
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
