import { open } from 'node:fs/promises'
import type { Readable } from 'node:stream'
import { errorCode, invalidInput, notFound } from '../../../core/errors.ts'
import { formatImageReference, parseImageReference, splitReference } from '../../../core/image-reference.ts'
import { authHeader, platformQuery } from '../../../docker-api/index.ts'
import { type EngineCommand, withEngine } from '../../engine/engine-api.ts'
import { followProgress } from '../../engine/progress-stream.ts'
import { loginFor } from '../../engine/registry-login.ts'
import { createProgressDisplay } from '../../output/progress-display.ts'
import { refuseOutput, writeTo } from './output-file.ts'
import { pullImage } from './pull-image.ts'

const TAR = 'application/x-tar'

/** `shoal pull`: prints the image's full name in the end. */
export const runPull = withEngine(async command => {
  const { args, options, context } = command
  const [image = ''] = args
  const allTags = options.flag('allTags')
  const reference = parseImageReference(image)
  const isTagged = reference.tag !== undefined || reference.digest !== undefined
  if (allTags && isTagged) throw invalidInput('BAD_FLAG', "tag can't be used with --all-tags/-a")
  const quiet = options.flag('quiet')
  if (!allTags && !isTagged && !quiet) context.stdout.write('Using default tag: latest\n')
  await pullImage(command, image, { quiet, output: context.stdout, allTags })
  context.stdout.write(`${allTags ? image : formatImageReference(reference)}\n`)
})

/** `shoal push`. */
export const runPush = withEngine(async ({ api, args, options, context }) => {
  const [image = ''] = args
  const { name, tag } = splitReference(image)
  const quiet = options.flag('quiet')
  const all = options.flag('allTags')
  if (all && tag !== undefined) throw invalidInput('BAD_FLAG', "tag can't be used with --all-tags/-a")
  if (!all && tag === undefined && !quiet) context.stdout.write('Using default tag: latest\n')
  const headers = authHeader((await loginFor(image, context.env)) ?? {})
  const path = `/images/${name.split('/').map(encodeURIComponent).join('/')}/push`
  const platform = platformQuery(options.text('platform'))
  const query = { tag: all ? undefined : (tag ?? 'latest'), platform }
  const body = await api.stream('POST', path, { query, headers })
  const display = createProgressDisplay(context.stdout)
  await followProgress(body, quiet ? () => {} : display.show)
  if (quiet) context.stdout.write(`${formatImageReference(parseImageReference(image))}\n`)
})

/** `shoal save`: a tar of images, to a file or to standard output. */
export const runSave = withEngine(async ({ api, args, options, context }) => {
  const names = args.map(name => `names=${encodeURIComponent(name)}`).join('&')
  const output = options.text('output')
  await refuseOutput(output, 'failed to save image', context)
  await writeTo(await api.stream('GET', `/images/get?${names}`), output, context)
})

/** Opens a file before anything is asked of the engine. Throws what docker says of one that is not there. */
async function openInput(path: string): Promise<Readable> {
  try {
    const file = await open(path)
    if (!(await file.stat()).isDirectory()) return file.createReadStream()
    await file.close()
    throw invalidInput('BAD_INPUT', `read ${path}: is a directory`)
  } catch (error) {
    if (errorCode(error) === 'ENOENT') throw notFound('NO_SUCH_FILE', `open ${path}: no such file or directory`)
    throw error
  }
}

/** `shoal load`: images from a tar. */
export const runLoad = withEngine(async ({ api, options, context }) => {
  const input = options.text('input')
  if (input === undefined && context.stdin.isTTY === true) {
    throw invalidInput('BAD_FLAG', 'requested load from stdin, but stdin is empty')
  }
  const quiet = options.flag('quiet')
  const source = input === undefined ? context.stdin : await openInput(input)
  const call = { body: source, contentType: TAR, query: { quiet: quiet ? 1 : 0 } }
  const display = createProgressDisplay(context.stdout)
  await followProgress(await api.stream('POST', '/images/load', call), display.show)
})

/** `shoal import`: an image of a tar of files. */
export const runImport = withEngine(async (command: EngineCommand) => {
  const { api, args, options, context } = command
  const [source = '', target] = args
  const { name, tag } = target === undefined ? {} : splitReference(target)
  const isUrl = /^https?:\/\//.test(source)
  const search = new URLSearchParams({ fromSrc: isUrl ? source : '-' })
  const set = (key: string, value: string | undefined): void => void (value === undefined || search.set(key, value))
  set('repo', name)
  set('tag', tag)
  set('message', options.text('message'))
  set('platform', options.text('platform'))
  for (const line of options.list('change')) search.append('changes', line)
  const input = isUrl ? {} : { body: source === '-' ? context.stdin : await openInput(source), contentType: TAR }
  const body = await api.stream('POST', `/images/create?${search.toString()}`, input)
  await followProgress(body, createProgressDisplay(context.stdout).show)
})
