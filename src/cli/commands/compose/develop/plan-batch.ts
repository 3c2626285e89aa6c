import type { HookSpec } from '../../../../core/model/service.ts'
import type { FileChanges } from './file-tree.ts'
import type { RuleChanges } from './file-watch.ts'
import type { WatchRule } from './watch-rules.ts'

/** What is copied into the containers of a service for one rule. */
export interface SyncStep {
  readonly rule: WatchRule
  readonly changes: FileChanges
}

/** What a batch of changes asks for, by service. */
export interface ServiceWork {
  readonly service: string
  /** How many files have changed. */
  readonly count: number
  /** The image is built anew, and the rest is part of that. */
  readonly rebuild: boolean
  readonly syncs: readonly SyncStep[]
  readonly restart: boolean
  readonly execs: readonly HookSpec[]
}

/** What is to be done about changes, in the order of the services. A rebuild takes the place of all else. Pure. */
export function planBatch(batch: readonly RuleChanges[]): readonly ServiceWork[] {
  const services = Map.groupBy(batch, ({ rule }) => rule.service)
  return [...services].map(([service, own]): ServiceWork => {
    const actions = new Set(own.map(({ rule }) => rule.action))
    const rebuild = actions.has('rebuild')
    const paths = own.flatMap(({ rule, changes }) =>
      [...changes.written, ...changes.removed].map(path => `${rule.path}/${path}`),
    )
    return {
      service,
      rebuild,
      count: new Set(paths).size,
      syncs: rebuild ? [] : own.filter(({ rule }) => rule.target !== ''),
      restart: !rebuild && (actions.has('restart') || actions.has('sync+restart')),
      execs: rebuild ? [] : own.flatMap(({ rule }) => rule.exec ?? []),
    }
  })
}
