import { constants } from 'node:fs'
import { open, writeFile } from 'node:fs/promises'
import { resolve } from 'node:path'
import type { Readable } from 'node:stream'
import { invalidInput } from '../../../core/errors.ts'
import type { RunCommand } from '../../command.ts'
import { checkContextName, DEFAULT_CONTEXT } from '../../engine/contexts/context-name.ts'
import { CONTEXT_BYTES_MAX } from '../../engine/contexts/context-record.ts'
import { ContextStore } from '../../engine/contexts/context-store.ts'
import { notWritten, whyNot } from '../../output/file-error.ts'
import { badArchive, packContext, unpackContext } from './archive.ts'
import { tellDone } from './change.ts'
import { copyContext } from './endpoint.ts'

/** `shoal context export NAME [FILE|-]`: a tar that has the private key in it, so that only we may read it. */
export const runExport: RunCommand = async (invocation, context) => {
  const [name = '', target = `${name}.dockercontext`] = invocation.args
  if (name !== DEFAULT_CONTEXT) checkContextName(name)
  const packed = await packContext(await copyContext(name, new ContextStore(context.env), { invocation, context }))
  if (target === '-') {
    if (context.stdout.isTTY === true) {
      throw invalidInput('BAD_FLAG', 'cowardly refusing to export to a terminal, specify a file path')
    }
    context.stdout.write(packed)
    return
  }
  try {
    await writeFile(resolve(context.cwd, target), packed, { mode: 0o600, flag: 'wx' })
  } catch (error) {
    throw notWritten(target, error)
  }
  context.stderr.write(`Written file "${target}"\n`)
}

/** `shoal context import NAME FILE|-`: the context gets this name, whatever the archive says; nothing is kept of a bad one. */
export const runImport: RunCommand = async ({ args }, context) => {
  const [name = '', source = ''] = args
  checkContextName(name)
  const archive = source === '-' ? await readBounded(context.stdin) : await readArchive(resolve(context.cwd, source))
  const { record, tls } = await unpackContext(archive)
  await new ContextStore(context.env).create({ ...record, name }, tls)
  tellDone(context, name, `Successfully imported context "${name}"`)
}

async function readArchive(path: string): Promise<Buffer> {
  const file = await open(path, constants.O_RDONLY).catch((error: unknown) => {
    throw badArchive(`open ${path}: ${whyNot(error)}`)
  })
  const content = file.createReadStream()
  try {
    return await readBounded(content)
  } finally {
    content.destroy()
  }
}

async function readBounded(source: Readable): Promise<Buffer> {
  const chunks: Buffer[] = []
  let bytes = 0
  try {
    for await (const chunk of source) {
      bytes += (chunk as Buffer).length
      if (bytes > CONTEXT_BYTES_MAX) break
      chunks.push(chunk as Buffer)
    }
  } catch (error) {
    throw badArchive(whyNot(error))
  }
  if (bytes > CONTEXT_BYTES_MAX) throw badArchive(`it is larger than ${CONTEXT_BYTES_MAX >> 20} MiB`)
  return Buffer.concat(chunks)
}
