import type { IncomingMessage } from 'node:http'
import { pipeline } from 'node:stream/promises'
import { failed, invalidInput } from '../../../core/errors.ts'
import { type EngineCommand, pathOf, withEngine } from '../../engine/engine-api.ts'
import { humanSize } from '../../output/size.ts'
import { refuseOutput, writeTo } from '../image/output-file.ts'
import { packCopy } from './copy/pack-copy.ts'
import { unpackCopy } from './copy/unpack-copy.ts'

interface Place {
  /** Absent: here. */
  readonly container?: string
  readonly path: string
}

/** `NAME:PATH` is in a container; a path that begins with `.` or `/` is here, whatever it holds. */
export function parsePlace(text: string): Place {
  const colon = text.indexOf(':')
  if (text.startsWith('/') || text.startsWith('.') || colon <= 0) return { path: text }
  return { container: text.slice(0, colon), path: text.slice(colon + 1) }
}

/** `shoal cp`. */
export const runCp = withEngine(copy)

/** Copies as `docker cp` does, from the first argument to the second. */
export async function copy(command: EngineCommand): Promise<void> {
  const [from, to] = [parsePlace(command.args[0] ?? ''), parsePlace(command.args[1] ?? '')]
  if (from.container !== undefined && to.container !== undefined) {
    throw invalidInput('BAD_FLAG', 'copying between containers is not supported')
  }
  if (from.container !== undefined) return copyOut(command, from.container, { from: from.path, to: to.path })
  if (to.container !== undefined) return copyIn(command, to.container, { from: from.path, to: to.path })
  throw invalidInput('BAD_FLAG', 'must specify at least one container source')
}

type Paths = { readonly from: string; readonly to: string }

interface Stat {
  readonly name: string
  readonly mode: number
  readonly linkTarget: string
}

const GO_MODE_DIRECTORY = 0x80000000
const GO_MODE_LINK = 0x08000000

function statOf({ headers }: IncomingMessage): Stat | undefined {
  const text = headers['x-docker-container-path-stat']
  if (typeof text !== 'string') return undefined
  return JSON.parse(Buffer.from(text, 'base64').toString()) as Stat
}

async function copyOut(
  { api, options, context }: EngineCommand,
  container: string,
  { from, to }: Paths,
): Promise<void> {
  const archive = pathOf('containers', container, 'archive')
  let path = from
  if (options.flag('followLink')) {
    const head = await api.stream('HEAD', archive, { query: { path } })
    head.resume()
    const stat = statOf(head)
    const target = stat?.linkTarget ?? ''
    if (stat !== undefined && (stat.mode & GO_MODE_LINK) !== 0)
      path = target.startsWith('/') ? target : `${from.replace(/[^/]*$/, '')}${target}`
  }
  const body = await api.stream('GET', archive, { query: { path } })
  if (to === '-') return void (await pipeline(body, context.stdout, { end: false }))
  const stat = statOf(body)
  const bytes = await unpackCopy(body, {
    // The name below which everything in the tar stands; a path that ends with `/.` means what is inside.
    rootName: stat?.name ?? '',
    isDirectory: stat !== undefined && (stat.mode & GO_MODE_DIRECTORY) !== 0,
    contentOnly: /(^|\/)\.$/.test(path),
    target: to,
    cwd: context.cwd,
    keepOwners: options.flag('archive'),
  })
  tell({ options, context }, `Successfully copied ${humanSize(bytes)} to ${to}`)
}

async function copyIn({ api, options, context }: EngineCommand, container: string, { from, to }: Paths): Promise<void> {
  const archive = pathOf('containers', container, 'archive')
  const call = { contentType: 'application/x-tar', responseMs: Number.POSITIVE_INFINITY }
  const query = { path: to, noOverwriteDirNonDir: true, copyUIDGID: options.flag('archive') ? 1 : undefined }
  if (from === '-') {
    const folder = await statTarget(api, container, to)
    if (folder === undefined || (folder.mode & GO_MODE_DIRECTORY) === 0) {
      throw failed('NO_DIRECTORY', `destination "${container}:${to}" must be a directory`)
    }
    await api.ask('PUT', archive, { ...call, query, body: context.stdin })
    return
  }
  const target = await statTarget(api, container, to)
  if (target === undefined && /\/\.?$/.test(to)) throw failed('NO_SUCH_DIRECTORY', `no such directory`)
  const packed = await packCopy(
    { path: from, cwd: context.cwd, follow: options.flag('followLink') },
    {
      path: to,
      isDirectory: target !== undefined && (target.mode & GO_MODE_DIRECTORY) !== 0,
      exists: target !== undefined,
    },
  )
  await api.ask('PUT', archive, { ...call, query: { ...query, path: packed.directory }, body: packed.tar })
  tell({ options, context }, `Successfully copied ${humanSize(packed.size())} to ${container}:${to}`)
}

async function statTarget(api: EngineCommand['api'], container: string, path: string): Promise<Stat | undefined> {
  const answer = await api
    .stream('HEAD', pathOf('containers', container, 'archive'), { query: { path } })
    .catch((error: unknown) => {
      if (typeof error === 'object' && error !== null && 'status' in error && error.status === 404) return undefined
      throw error
    })
  answer?.resume()
  return answer === undefined ? undefined : statOf(answer)
}

function tell({ options, context }: Pick<EngineCommand, 'options' | 'context'>, line: string): void {
  if (!options.flag('quiet') && context.stderr.isTTY === true) context.stderr.write(`${line}\n`)
}

/** `shoal export`: the files of a container as a tar. */
export const runExport = withEngine(async ({ api, args, options, context }) => {
  const output = options.text('output')
  await refuseOutput(output, 'failed to export container', context)
  await writeTo(await api.stream('GET', pathOf('containers', args[0] ?? '', 'export')), output, context)
})
