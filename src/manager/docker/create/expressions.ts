import { invalidInput } from '../../../core/errors.ts'
import { AFFINITIES_LABEL, CONSTRAINTS_LABEL, RESCHEDULE_LABEL, WHITELISTS_LABEL } from '../../../core/model/labels.ts'
import type { ContainerCreateRequest } from '../../../docker-api/index.ts'
import { readExpressions, type WrittenExpressions } from '../../../scheduler/index.ts'

/** A request as a node gets it, and what was written in it for the manager. */
export interface SplitRequest {
  readonly request: ContainerCreateRequest
  readonly written: WrittenExpressions
  /** Its policy is `on-node-failure`. */
  readonly isRescheduled: boolean
}

/** The kinds of expressions: how they begin in the environment, and the label that keeps them. */
const KINDS = [
  { field: 'constraints', prefix: 'constraint:', label: CONSTRAINTS_LABEL },
  { field: 'affinities', prefix: 'affinity:', label: AFFINITIES_LABEL },
  { field: 'whitelists', prefix: 'whitelist:', label: WHITELISTS_LABEL },
] as const
const RESCHEDULE = { prefix: 'reschedule:', label: RESCHEDULE_LABEL }

/**
 * Takes the expressions out of a request's environment and labels. The container keeps them as labels, as classic Swarm's
 * does, so that they are known when it is made anew. Throws BAD_CONSTRAINT for a label that is no list.
 */
export function splitExpressions(request: ContainerCreateRequest): SplitRequest {
  // Docker's own client writes null for an empty list.
  const environment = request.Env ?? []
  const policies = [...fromEnvironment(environment, RESCHEDULE.prefix), ...fromLabel(request, RESCHEDULE.label)]
  const isRescheduled = checkReschedule(policies)
  const lists = KINDS.map(kind => ({
    ...kind,
    texts: [...fromLabel(request, kind.label), ...fromEnvironment(environment, kind.prefix)],
  }))
  const written = Object.fromEntries(lists.map(({ field, texts }) => [field, texts])) as Record<
    (typeof KINDS)[number]['field'],
    string[]
  >
  const labels = [...lists, { label: RESCHEDULE.label, texts: policies }].flatMap(({ label, texts }) =>
    texts.length === 0 ? [] : [[label, JSON.stringify(texts)]],
  )
  const prefixes = [...KINDS.map(({ prefix }) => prefix), RESCHEDULE.prefix]
  const kept = environment.filter(text => !prefixes.some(prefix => text.startsWith(prefix)))
  return {
    request: {
      ...request,
      ...(kept.length === environment.length ? {} : { Env: kept }),
      ...(labels.length === 0 ? {} : { Labels: { ...request.Labels, ...Object.fromEntries(labels) } }),
    },
    written,
    isRescheduled,
  }
}

/** What a container was placed by, as its labels keep it. What cannot be read counts for nothing: it runs already. */
export function readWritten(labels: Readonly<Record<string, string>>): ReturnType<typeof readExpressions> {
  try {
    const lists = KINDS.map(({ field, label }) => [field, fromLabel({ Labels: labels }, label)])
    return readExpressions(Object.fromEntries(lists))
  } catch {
    return { constraints: [], affinities: [], whitelists: [] }
  }
}

function fromEnvironment(environment: readonly string[], prefix: string): string[] {
  return environment.filter(text => text.startsWith(prefix)).map(text => text.slice(prefix.length))
}

function fromLabel({ Labels }: Pick<ContainerCreateRequest, 'Labels'>, label: string): string[] {
  const text = Labels?.[label]
  if (text === undefined || text === '') return []
  try {
    const value: unknown = JSON.parse(text)
    if (Array.isArray(value)) return value.map(String)
  } catch {
    // Said below, as for a value of another type.
  }
  throw invalidInput('BAD_CONSTRAINT', `Cannot read label ${label}: expected a JSON list such as ["disk==ssd"]`)
}

/** Whether the policy is `on-node-failure`. Classic Swarm's rules and sentences (cluster/config.go). */
function checkReschedule(policies: readonly string[]): boolean {
  if (policies.length > 1) throw invalidInput('BAD_RESCHEDULE_POLICY', 'too many reschedule policies')
  const [policy = 'off'] = policies
  if (policy === 'on-node-failure') return true
  if (policy === 'off') return false
  throw invalidInput('BAD_RESCHEDULE_POLICY', `invalid reschedule policy: ${policy}`)
}
