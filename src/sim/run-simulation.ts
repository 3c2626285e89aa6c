import { EXIT_CODES, invalidInput } from '../core/errors.ts'
import { type SimulationOptions, simulate } from './simulation.ts'

export interface SimRunOptions extends Partial<SimulationOptions> {
  readonly seed: number
  /** Prints the events of a run that went well, too. */
  readonly log?: boolean
}

interface SimOutput {
  readonly stdout: { readonly write: (text: string) => unknown }
  readonly stderr: { readonly write: (text: string) => unknown }
}

const DEFAULTS = { nodes: 50, managers: 2, steps: 100 } as const

/**
 * What `shoal sim` does. A run that breaks a rule prints its events to stdout, what it broke and how to repeat it to
 * stderr, and resolves with exit code 1.
 */
export async function runSimulation(options: SimRunOptions, { stdout, stderr }: SimOutput): Promise<number> {
  const { seed, nodes = DEFAULTS.nodes, managers = DEFAULTS.managers, steps = DEFAULTS.steps } = options
  for (const [name, value] of Object.entries({ seed, nodes, managers, steps })) {
    if (!Number.isSafeInteger(value) || value < (name === 'seed' ? 0 : 1)) {
      throw invalidInput('BAD_FLAG', `--${name} must be a whole number${name === 'seed' ? '' : ' of at least 1'}`)
    }
  }
  const { events, tookMs, violations } = await simulate({ ...options, seed, nodes, managers, steps })
  if (violations.length > 0 || options.log === true) stdout.write(events.text)
  const size = `${nodes} nodes, ${managers} managers, ${steps} steps, ${Math.round(tookMs / 1_000)} s of virtual time`
  if (violations.length === 0) {
    stdout.write(`seed ${seed}: ok. ${size}, ${events.size} events, log ${events.digest}\n`)
    return EXIT_CODES.done
  }
  stderr.write(`seed ${seed}: FAILED. ${size}\n${violations.map(violation => `  ${violation}\n`).join('')}`)
  stderr.write(`Repeat it with: shoal sim --seed ${seed} --nodes ${nodes} --managers ${managers} --steps ${steps}\n`)
  return EXIT_CODES.failed
}
