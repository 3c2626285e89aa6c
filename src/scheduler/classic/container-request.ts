import { parseConstraint } from '../constraint.ts'
import { badExpression, type Expression, parseExpression } from '../expression.ts'
import type { HostPort } from '../node.ts'

/** What `docker create` asks of a cluster, in the words of classic Swarm. Amounts of zero are "no wish". */
export interface ContainerRequest {
  readonly nanoCpus: number
  readonly memoryBytes: number
  readonly hostPorts: readonly HostPort[]
  /** With the host's network: the ports that the container says it uses, such as `80/tcp`. */
  readonly hostModePorts: readonly string[]
  readonly constraints: readonly string[]
  readonly affinities: readonly Expression[]
  readonly whitelists: readonly Expression[]
  /** Containers that must be on the same node, and why: `--link=db`. */
  readonly dependencies: readonly Dependency[]
  /** For who prefers nodes that have it already. */
  readonly image?: string
  /** Named volumes, for who looks for them. */
  readonly volumes?: readonly string[]
  /** Names of networks, of which those over nodes do not reach every node. */
  readonly networks?: readonly string[]
}

export interface Dependency {
  readonly flag: '--volumes-from' | '--link' | '--net'
  /** Name or id. */
  readonly container: string
}

/** Expressions of each kind, as they are written in environment variables, labels and build arguments. */
export interface WrittenExpressions {
  readonly constraints: readonly string[]
  readonly affinities: readonly string[]
  readonly whitelists: readonly string[]
}

/** Reads and checks what was written. Throws BAD_CONSTRAINT. */
export function readExpressions(
  written: WrittenExpressions,
): Pick<ContainerRequest, 'constraints' | 'affinities' | 'whitelists'> {
  for (const constraint of written.constraints) parseConstraint(constraint)
  const whitelists = written.whitelists.map(parseExpression)
  const empty = whitelists.find(({ value }) => value.split('|').every(name => name.trim() === ''))
  if (empty !== undefined) throw badExpression(`The whitelist "${empty.text}" names no node`)
  return { constraints: written.constraints, affinities: written.affinities.map(parseExpression), whitelists }
}
