import { composeGroup } from '../cli/index.ts'
import { VERSION } from './version.ts'

export { createTunnels, runProgram } from '../cli/index.ts'

/** `compose` by itself: it starts without what the other families bring with them. */
export const compose = composeGroup(VERSION)
