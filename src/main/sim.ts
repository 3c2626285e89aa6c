import type { RunCommand } from '../cli/index.ts'
import { pickIndex } from '../core/random.ts'
import { runSimulation } from '../sim/index.ts'

const SEEDS = 1_000_000

/** `shoal sim`: exit code 1 if a rule was broken. */
export const runSim: RunCommand = ({ options }, { stdout, stderr, random }) => {
  const given = (name: 'nodes' | 'managers' | 'steps'): object => {
    const value = options.number(name)
    return value === undefined ? {} : { [name]: value }
  }
  const seed = options.number('seed') ?? pickIndex(random, SEEDS)
  const sizes = { ...given('nodes'), ...given('managers'), ...given('steps') }
  return runSimulation({ seed, log: options.flag('log'), ...sizes }, { stdout, stderr })
}
