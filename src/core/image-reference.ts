import { invalidInput } from './errors.ts'

/** A parsed image name. `tag` and `digest` may both be absent only in what a person typed; then `latest` is meant. */
export interface ImageReference {
  /** Registry host with its port; `docker.io` when none was written. */
  readonly registry: string
  /** Path inside the registry; `library/redis` for Docker's short official names. */
  readonly repository: string
  readonly tag?: string
  readonly digest?: string
}

const COMPONENT = /^[a-z0-9]+(?:(?:\.|_|__|-+)[a-z0-9]+)*$/
const TAG = /^\w[\w.-]{0,127}$/
const DIGEST = /^sha256:[a-f0-9]{64}$/
const HOST = /^(?:\[[0-9a-fA-F:]+\]|[a-zA-Z0-9](?:[a-zA-Z0-9.-]*[a-zA-Z0-9])?)(?::\d{1,5})?$/

/** Reads an image name as docker does (`redis`, `host:5000/team/app:1.2@sha256:…`). */
export function parseImageReference(text: string): ImageReference {
  const fail = (why: string): never => {
    throw invalidInput('BAD_IMAGE_NAME', `Cannot read image name "${text}": ${why}`)
  }
  const [named = '', digest, ...rest] = text.split('@')
  if (rest.length > 0 || named === '') return fail('expected [registry/]name[:tag][@sha256:digest]')
  if (digest !== undefined && !DIGEST.test(digest)) return fail('the digest must be sha256: and 64 hexadecimal digits')
  const colon = named.lastIndexOf(':')
  const hasTag = colon > named.lastIndexOf('/')
  const tag = hasTag ? named.slice(colon + 1) : undefined
  if (tag !== undefined && !TAG.test(tag)) return fail(`"${tag}" is not a tag`)
  const { registry, repository } = splitRegistry(hasTag ? named.slice(0, colon) : named)
  if (!HOST.test(registry)) return fail(`"${registry}" is not a registry host`)
  if (!repository.split('/').every(part => COMPONENT.test(part))) {
    return fail('a repository is lower-case letters, digits and inner . _ - between slashes')
  }
  return {
    registry,
    repository,
    ...(tag === undefined ? {} : { tag }),
    ...(digest === undefined ? {} : { digest }),
  }
}

/**
 * A reference as Docker's API takes it: the name as it was written, and apart from it the digest, or else the tag. Throws
 * BAD_IMAGE_NAME.
 */
export function splitReference(text: string): { readonly name: string; readonly tag?: string } {
  const { tag, digest } = parseImageReference(text)
  const [named = ''] = text.split('@')
  const name = tag === undefined ? named : named.slice(0, -tag.length - 1)
  const suffix = digest ?? tag
  return suffix === undefined ? { name } : { name, tag: suffix }
}

/** The other way: a name with what the API calls its tag, which may be a digest. */
export function joinReference(name: string, tag: string | undefined): string {
  if (tag === undefined || tag === '') return name
  return tag.includes(':') ? `${name}@${tag}` : `${name}:${tag}`
}

function splitRegistry(path: string): { registry: string; repository: string } {
  const slash = path.indexOf('/')
  const first = slash < 0 ? '' : path.slice(0, slash)
  if (first === 'localhost' || first.includes('.') || first.includes(':')) {
    return { registry: first === 'index.docker.io' ? 'docker.io' : first, repository: path.slice(slash + 1) }
  }
  return { registry: 'docker.io', repository: slash < 0 ? `library/${path}` : path }
}

/** The full name: `docker.io/library/redis:latest`. A digest wins over a tag in meaning; both are kept in the text. */
export function formatImageReference(reference: ImageReference): string {
  const { registry, repository, tag, digest } = reference
  const shown = tag ?? (digest === undefined ? 'latest' : undefined)
  return `${registry}/${repository}${shown === undefined ? '' : `:${shown}`}${digest === undefined ? '' : `@${digest}`}`
}

/** The name as docker shows it, without `docker.io/` and `library/`. */
export function familiarImageName(reference: ImageReference): string {
  return formatImageReference(reference).replace(/^docker\.io\/(library\/)?/, '')
}
