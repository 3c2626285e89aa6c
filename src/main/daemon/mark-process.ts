import { writeFile } from 'node:fs/promises'
import { failed } from '../../core/errors.ts'
import type { Scope } from '../../core/scope.ts'
import { holdPidFile } from '../pid-file.ts'
import type { EngineSettings } from './engine-flags.ts'

/** What an engine's flags ask of its process: a file with its id, and how soon the kernel ends it. Throws ALREADY_RUNNING, OOM_SCORE. */
export async function markProcess(
  { pidFile, oomScoreAdjust }: Pick<EngineSettings, 'pidFile' | 'oomScoreAdjust'>,
  scope: Scope,
): Promise<void> {
  if (pidFile !== undefined) {
    const held = await holdPidFile(pidFile)
    scope.defer(held.release)
  }
  if (oomScoreAdjust !== undefined) await adjustScore(oomScoreAdjust)
}

async function adjustScore(score: number): Promise<void> {
  try {
    await writeFile('/proc/self/oom_score_adj', String(score))
  } catch (cause) {
    const why = 'the kernel lets only the privileged lower it; leave it out'
    throw failed('OOM_SCORE', `Cannot use --oom-score-adjust ${score}: ${why}`, { cause })
  }
}
