import { sleep, withDeadline } from '../../core/clock.ts'
import { conflict, errorMessage, failed, invalidInput, unavailable } from '../../core/errors.ts'
import { type Finding, preflight, refused } from './preflight.ts'
import { probeOverlay } from './probe-overlay.ts'
import type { ProvisionOptions, ProvisionPorts, ProvisionRequest, ProvisionResult } from './provision-options.ts'
import { Run } from './run.ts'
import { STEP_NAMES, type Step } from './step.ts'
import { CHANGING_STEPS } from './steps/all-steps.ts'

const LOCK_WAIT_MS = 300_000
const LOCK_POLL_MS = 2_000
const READY_MS_MAX = 60_000
const READY_POLL_MS = 500

/**
 * Takes a host from whatever it is to what the machine's record says, step by step. What is so already is left alone, so that the
 * same again after a failure, a crash or a change goes on from there. Rejects only when cancelled: a failure is in the result.
 */
export async function provisionHost(
  request: ProvisionRequest,
  options: ProvisionOptions,
  ports: ProvisionPorts,
): Promise<ProvisionResult> {
  const run = new Run(request, options, ports)
  try {
    await examine(run)
    if (options.dryRun !== true) await change(run)
    return await run.finish()
  } catch (error) {
    if (options.rollback === true && run.changed.length > 0) await run.rollBack()
    const result = await run.finish(error)
    options.signal.throwIfAborted()
    return result
  }
}

/** The steps that only look. */
async function examine(run: Run): Promise<void> {
  const { request, options } = run
  await run.during('resolve', 'resolve', async () => {
    chosenSteps(options)
    return `${run.wish.address}, port ${request.target.port}`
  })
  await run.reach()
  await run.during('facts', 'look at the host', async () => {
    const { os, kernel, architecture } = await run.facts()
    return `${os['PRETTY_NAME'] ?? 'unknown system'}, Linux ${kernel}, ${architecture}`
  })
  await run.during('preflight', 'check the host', () => checkHost(run))
  await run.during('plan', 'plan', async () => {
    const scene = { facts: await run.facts(), wish: run.wish }
    const changes = chosenSteps(options).flatMap(step => step.plan(scene).map(line => `${step.name}: ${line}`))
    run.planned = changes.length
    for (const line of changes) run.tell('change', line)
    return changes.length === 0 ? 'nothing to change' : counted(changes.length, 'change')
  })
}

async function checkHost(run: Run): Promise<string> {
  const { clock, options } = run
  const { signal, lockWaitMs = LOCK_WAIT_MS } = options
  let last: Finding[] = []
  const look = async (): Promise<Finding[]> => preflight({ facts: await run.facts(), wish: run.wish })
  last = await look()
  const stops = last.filter(({ weight }) => weight === 'stop')
  if (stops.length > 0) throw refused(stops)
  const untilMs = clock.monotonicMs() + lockWaitMs
  let told = ''
  for (let waits = ofWeight(last, 'wait'); waits.length > 0; waits = ofWeight(last, 'wait')) {
    const message = waits.map(finding => finding.message).join('; ')
    if (message !== told) run.tell('progress', message)
    told = message
    // What would be changed is known without.
    if (options.dryRun === true) break
    if (clock.monotonicMs() >= untilMs) throw refused(waits, `; it was waited for ${Math.round(lockWaitMs / 1_000)} s`)
    await sleep(clock, Math.min(LOCK_POLL_MS, lockWaitMs), signal)
    run.forgetFacts()
    last = await look()
  }
  const warnings = ofWeight(last, 'warn').map(({ message }) => message)
  warn(warnings, run)
  if (warnings.length > 0 && options.dryRun !== true && (await options.confirm?.(warnings)) === false) {
    throw conflict('NOT_CONFIRMED', 'Nothing was changed, as you asked')
  }
  return warnings.length === 0 ? 'all checks passed' : counted(warnings.length, 'warning')
}

function counted(count: number, what: string): string {
  return `${count} ${what}${count === 1 ? '' : 's'}`
}

function warn(warnings: readonly string[], run: Run): void {
  run.warnings.push(...warnings)
  for (const warning of warnings) run.tell('progress', `warning: ${warning}`, { warning })
}

function ofWeight(findings: readonly Finding[], weight: Finding['weight']): Finding[] {
  return findings.filter(each => each.weight === weight)
}

async function change(run: Run): Promise<void> {
  for (const step of chosenSteps(run.options)) await run.during(step.name, step.title, () => applyStep(step, run))
  if (run.options.until !== undefined && run.options.until !== 'verify') return
  await run.during('verify', 'verify', () => verify(run))
}

async function applyStep(step: Step, run: Run): Promise<string> {
  const scene = { facts: await run.facts(), wish: run.wish }
  const changes = step.plan(scene)
  if (changes.length === 0) return step.kept(scene)
  for (const line of changes) run.tell('change', line)
  run.changed.push(step.name)
  await run.keeper.keep()
  run.forgetFacts()
  await step.apply({
    ...scene,
    shell: run.shell,
    signal: run.options.signal,
    run: run.id,
    say: line => run.tell('progress', line),
    note: note => run.keeper.note(note),
  })
  return changes.join(', ')
}

/** Once all is done nothing is left to do; anything else is a host that does not keep what it is told. */
async function verify(run: Run): Promise<string> {
  const { membership, machine } = run.request
  const { signal } = run.options
  const scene = { facts: await run.facts(), wish: run.wish }
  const left = CHANGING_STEPS.flatMap(step => step.plan(scene).map(line => `${step.name}: ${line}`))
  if (left.length > 0 && run.options.from === undefined) {
    throw failed('NOT_CONVERGED', `The host did not keep what was done (${left.join('; ')}): run the same again`)
  }
  if (membership !== undefined && machine.swarm?.agent !== false && run.wish.cluster !== undefined) {
    await withDeadline(inner => untilReady(run, inner), READY_MS_MAX, {
      clock: run.clock,
      signal,
      onTimeout: () =>
        unavailable(
          'NOT_A_MEMBER',
          `The manager does not see "${machine.name}" within a minute: look at \`machine logs\``,
        ),
    })
  }
  if (run.changed.includes('join')) await tellClosedPorts(run)
  const { docker, engine } = scene.facts
  if (scene.wish.services.length === 0) return `Docker ${docker?.version} answers`
  return engine === undefined ? 'services run' : `engine ${engine.version} answers`
}

/** Only told: without networks over several hosts nobody misses these ports, and what is in the way may be neither host's. */
async function tellClosedPorts(run: Run): Promise<void> {
  const { request, options, shell } = run
  if (request.peer === undefined) return
  const { name } = request.machine
  try {
    warn(await probeOverlay({ name, address: request.address, shell }, request.peer, options.signal), run)
  } catch (error) {
    options.signal.throwIfAborted()
    run.tell('progress', `it could not be tried whether networks come through: ${errorMessage(error)}`)
  }
}

async function untilReady({ clock, request: { membership, machine } }: Run, signal: AbortSignal): Promise<void> {
  while ((await membership?.isReady(machine.name, signal)) === false) await sleep(clock, READY_POLL_MS, signal)
}

/** Throws BAD_STEP for names that bound nothing. */
function chosenSteps({ from, until }: ProvisionOptions): Step[] {
  const place = (name: string): number => STEP_NAMES.findIndex(each => each === name)
  const first = from === undefined ? 0 : place(from)
  const last = until === undefined ? STEP_NAMES.length : place(until)
  if (first < 0 || last < 0)
    throw invalidInput('BAD_STEP', `There is no step "${from}" or "${until}": steps are ${STEP_NAMES.join(', ')}`)
  if (first > last) throw invalidInput('BAD_STEP', `--from ${from} comes after --until ${until}: nothing would be done`)
  return CHANGING_STEPS.filter(({ name }) => place(name) >= first && place(name) <= last)
}
