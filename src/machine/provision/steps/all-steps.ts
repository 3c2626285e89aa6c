import type { Step } from '../step.ts'
import { agentStep } from './agent-step.ts'
import { certsStep } from './certs-step.ts'
import { engineStep } from './engine-step.ts'
import { joinStep } from './join-step.ts'
import { networkStep } from './network-step.ts'

/** The steps that change a host, in their order. */
export const CHANGING_STEPS: readonly Step[] = [engineStep, certsStep, agentStep, networkStep, joinStep]
