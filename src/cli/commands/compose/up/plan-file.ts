import { readFile, writeFile } from 'node:fs/promises'
import { resolve } from 'node:path'
import { canonicalJson, hashOf } from '../../../../core/digest.ts'
import { errorCode, failed, invalidInput } from '../../../../core/errors.ts'
import type { ApplyResult, PlanStep } from '../../../../core/model/control-api.ts'
import type { ProjectSpec } from '../../../../core/model/service.ts'
import { notWritten } from '../../../output/file-error.ts'

const FORMAT = 1

/** A plan as a file: what was shown, and from what to what it leads. */
export interface PlanFile {
  readonly format: number
  readonly project: string
  readonly steps: readonly PlanStep[]
  /** Hashes of the project as it ran, and as the files wanted it. */
  readonly from: string
  readonly to: string
}

export interface Planned {
  readonly result: ApplyResult
  readonly wanted: ProjectSpec
  /** What the files say: more than a cluster is told, where the plan is for one engine. */
  readonly model: object
  readonly running: ProjectSpec | undefined
}

/** Pure. */
export function planFileOf({ result, wanted, model, running }: Planned): PlanFile {
  const { project, steps } = result
  return { format: FORMAT, project, steps, from: hashOf(running ?? null), to: hashOf({ wanted, model }) }
}

/** What it was made of may hold secrets; its hashes are nobody else's to try passwords against. */
const FILE_MODE = 0o600

/** Throws NOT_WRITTEN. */
export async function writePlan(plan: PlanFile, file: string, cwd: string): Promise<void> {
  const path = resolve(cwd, file)
  try {
    await writeFile(path, `${JSON.stringify(plan, undefined, 2)}\n`, { mode: FILE_MODE })
  } catch (cause) {
    throw notWritten(path, cause)
  }
}

/** Throws BAD_PLAN for what is none. */
export async function readPlan(file: string, cwd: string): Promise<PlanFile> {
  const path = resolve(cwd, file)
  try {
    const plan = JSON.parse(await readFile(path, 'utf8')) as PlanFile
    if (plan.format === FORMAT && Array.isArray(plan.steps)) return plan
  } catch (cause) {
    if (errorCode(cause) !== undefined) throw failed('BAD_PLAN', `Cannot read the plan ${path}`, { cause })
  }
  throw invalidInput('BAD_PLAN', `${path} is no plan: write one with \`compose plan --out\``)
}

/** Throws PLAN_CHANGED, exit code 3, unless what would be done now is what was planned. */
export function requireSamePlan(planned: PlanFile, now: PlanFile): void {
  const why =
    planned.project !== now.project
      ? `it is of the project ${planned.project}`
      : planned.to !== now.to
        ? 'the files or flags ask for something else now'
        : planned.from !== now.from || canonicalJson(planned.steps) !== canonicalJson(now.steps)
          ? 'the project was changed in the cluster meanwhile'
          : undefined
  if (why === undefined) return
  throw failed('PLAN_CHANGED', `The plan does not hold any more: ${why}. Nothing was done; plan again`, {
    details: { refused: true },
  })
}
