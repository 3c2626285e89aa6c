import { STEP_NAMES, type StepName } from '../../../../machine/index.ts'
import type { Reporter } from './reporter.ts'

/** How far a machine's provisioning came. */
export interface StepWatch {
  /** Tells the same, and is what provisioning is to tell. */
  readonly reporter: Reporter
  readonly at: () => StepName
  /** What it failed at; undefined: nothing was told of that. */
  readonly failure: () => string | undefined
  /** Whether it came to the steps that change the host. */
  readonly hasBegun: () => boolean
}

/** Sees from what is told at which step a machine is. */
export function watchSteps(reporter: Reporter): StepWatch {
  let at: StepName = 'resolve'
  let failure: string | undefined
  return {
    reporter: {
      ...reporter,
      event(event) {
        at = event.step
        if (event.event === 'fail') failure = event.message
        reporter.event(event)
      },
    },
    at: () => at,
    failure: () => failure,
    hasBegun: () => mayHaveChanged(at),
  }
}

/** Whether the host may have been changed once provisioning is at a step: all up to the plan only look. */
export function mayHaveChanged(step: StepName): boolean {
  return STEP_NAMES.indexOf(step) > STEP_NAMES.indexOf('plan')
}
