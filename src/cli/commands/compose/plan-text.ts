import type { ApplyResult, PlanStep } from '../../../core/model/control-api.ts'
import type { Progress } from '../../output/progress/progress.ts'

const DONE: Readonly<Record<PlanStep['action'], string>> = {
  create: 'Created',
  update: 'Updated',
  scale: 'Scaled',
  remove: 'Removed',
  keep: 'Unchanged',
}

const SIGNS: Readonly<Record<PlanStep['action'], string>> = {
  create: '+ create',
  update: '~ update',
  scale: '~ scale ',
  remove: '- remove',
  keep: '  keep  ',
}

export function removal(kind: PlanStep['kind'], name: string): PlanStep {
  return { action: 'remove', kind, name }
}

export function stepName({ kind, name }: PlanStep): string {
  return `${kind.replace(/^./, letter => letter.toUpperCase())} ${name}`
}

/** `Removed when n3 returns`; what is there until then is known to the manager, which sees to it. */
export function removedNews({ awaitedNode }: PlanStep): string {
  return awaitedNode === undefined ? DONE.remove : `${DONE.remove} when ${awaitedNode} returns`
}

function because({ because, awaitedNode }: PlanStep): string {
  if (awaitedNode !== undefined) return ` (when ${awaitedNode} returns)`
  return because === undefined || because.length === 0 ? '' : ` (${because.join(', ')})`
}

/** Tells what was changed and what was not. */
export function tellSteps({ steps, warnings = [], changed, project }: ApplyResult, progress: Progress): void {
  for (const step of steps) progress.tell(stepName(step), `${DONE[step.action]}${because(step)}`)
  for (const warning of warnings) progress.warn(warning)
  if (!changed) progress.tell(`Project ${project}`, 'Everything is unchanged')
}

/** A plan as a person reads it, one line a step, and the sum of it. */
export function planText({ project, steps, changed }: ApplyResult): string {
  const lines = steps.map(step => `${SIGNS[step.action]} ${step.kind} ${step.name}${because(step)}`)
  const count = (...actions: readonly PlanStep['action'][]): number =>
    steps.filter(step => actions.includes(step.action)).length
  const sum = changed
    ? `Project ${project}: ${count('create')} to create, ${count('update', 'scale')} to change, ${count('remove')} to remove, ${count('keep')} unchanged`
    : `Project ${project}: everything is unchanged`
  return [...lines, sum].map(line => `${line}\n`).join('')
}
