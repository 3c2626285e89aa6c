import { posix } from 'node:path'
import { Readable } from 'node:stream'
import { pack } from 'tar-stream'
import { asText, asTree, type Project, serviceHash, type Tree } from '../../../../compose/index.ts'
import { hashOf } from '../../../../core/digest.ts'
import { invalidInput } from '../../../../core/errors.ts'
import type { Engine } from '../../../../docker-api/index.ts'
import { grantsOf } from './container-request.ts'

/** A secret or config that is no file of this machine: it is written into the container before its first start. */
export interface Written {
  readonly target: string
  readonly data: string
  readonly mode: number
  readonly uid: number
  readonly gid: number
}

/** Secrets and configs of a service that come from a variable or from the compose file. Throws for a variable that is not set. */
export function writtenFiles(project: Project, service: Tree): readonly Written[] {
  return grantsOf(service).flatMap(({ kind, grant, target }) => {
    const source = asText(grant['source'])
    const data = contentOf(asTree(asTree(project.model[`${kind}s`])[source]), `${kind}s.${source}`, project)
    if (data === undefined) return []
    const number = (key: string): number => Number(asText(grant[key])) || 0
    const mode = grant['mode'] === undefined ? 0o444 : Number.parseInt(asText(grant['mode']), 8)
    return [{ target, data, mode, uid: number('uid'), gid: number('gid') }]
  })
}

function contentOf({ content, environment }: Tree, path: string, { variables }: Project): string | undefined {
  if (typeof content === 'string') return content
  if (typeof environment !== 'string') return undefined
  const value = variables.get(environment)
  if (value !== undefined) return value
  throw invalidInput('NO_SUCH_VARIABLE', `${path}: environment variable "${environment}" required by it is not set`)
}

/** Changes when a service's containers must be replaced: the hash of its words, and what is written into them. */
export function contentHash(project: Project, service: Tree): string {
  const files = writtenFiles(project, service)
  return files.length === 0 ? serviceHash(service) : hashOf({ service: serviceHash(service), files })
}

/** Writes them into a container that was not started yet. */
export async function writeFiles(
  engine: Engine,
  { id, files, signal }: { readonly id: string; readonly files: readonly Written[]; readonly signal: AbortSignal },
): Promise<void> {
  if (files.length === 0) return
  const archive = pack()
  for (const { target, data, ...header } of files) {
    archive.entry({ name: posix.relative('/', target), ...header }, data)
  }
  archive.finalize()
  await engine.containers.writeArchive(id, '/', { archive: Readable.from(archive), signal })
}
