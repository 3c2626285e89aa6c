import { asText, asTree, type Tree } from '../../../../compose/index.ts'
import { unsupported } from '../../../../core/errors.ts'

/** A context of a build besides its own, that its Dockerfile names. */
export type NamedContext = { readonly name: string } & (
  | { readonly from: 'image'; readonly image: string }
  | { readonly from: 'service'; readonly service: string }
  | { readonly from: 'directory'; readonly directory: string }
)

/** An image that stands for a context. */
export interface ContextStage {
  readonly name: string
  readonly image: string
}

const STAGE_NAME = /^[a-z][a-z0-9_.-]*$/

/** Reads `build.additional_contexts`. Throws UNSUPPORTED_BUILD for what the classic builder cannot be given. Pure. */
export function namedContexts(image: string, build: Tree): readonly NamedContext[] {
  return Object.entries(asTree(build['additional_contexts'])).map(([name, value]) => {
    const source = asText(value)
    const refuse = (advice: string): Error => refusal(image, `${name}: ${source} is not supported: ${advice}`)
    if (!STAGE_NAME.test(name)) throw refuse('call it as a stage may be called, in small letters, digits, _ . and -')
    const [, scheme, rest = ''] = /^(docker-image:\/\/|service:)(.*)$/.exec(source) ?? []
    if (scheme === 'service:') return { name, from: 'service', service: rest }
    if (scheme !== undefined) return { name, from: 'image', image: rest }
    if (/^[a-z][a-z0-9+-]*:|^git@|^github\.com\//.test(source)) {
      throw refuse(
        'only directories of this machine, docker-image://NAME and service:NAME are; clone or fetch it first',
      )
    }
    return { name, from: 'directory', directory: source }
  })
}

/**
 * The text of a Dockerfile in which contexts are stages, before its own: `FROM`, `COPY --from` and mounts find them by their names.
 * Throws UNSUPPORTED_BUILD where that would give something in it another meaning. Pure.
 */
export function withStages(dockerfile: string, stages: readonly ContextStage[], image: string): string {
  if (stages.length === 0) return dockerfile
  const own = [...dockerfile.matchAll(/^[ \t]*FROM[ \t].*[ \t]AS[ \t]+(\S+)[ \t]*$/gim)].map(([, name = '']) => name)
  const taken = stages.find(({ name }) => own.some(each => each.toLowerCase() === name))
  if (taken !== undefined) {
    throw refusal(image, `${taken.name} is not supported: the Dockerfile has a stage of that name; rename one`)
  }
  if (/\bfrom=\d+(?=[\s,]|$)/m.test(dockerfile)) {
    throw refusal(image, 'is not supported where the Dockerfile names a stage by its number: give the stage a name')
  }
  const first = /^[ \t]*FROM[ \t]/im.exec(dockerfile)
  if (first === null) return dockerfile
  const added = stages.map(({ name, image: from }) => `FROM ${from} AS ${name}\n`).join('')
  return dockerfile.slice(0, first.index) + added + dockerfile.slice(first.index)
}

function refusal(image: string, why: string): Error {
  return unsupported(
    'UNSUPPORTED_BUILD',
    `Cannot build ${image}: build.additional_contexts${why.startsWith('is') ? ' ' : '.'}${why}`,
  )
}
