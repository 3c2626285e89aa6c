import { invalidInput } from '../../../core/errors.ts'
import { fileError } from './errors.ts'
import { type Instruction, type InstructionOf, parseInstruction } from './instructions.ts'
import { type Escape, readLines } from './lines.ts'

export interface Stage {
  readonly index: number
  readonly name: string | undefined
  readonly from: InstructionOf<'FROM'>
  readonly steps: readonly Instruction[]
}

export interface Dockerfile {
  readonly escape: Escape
  /** ARG instructions before the first FROM. */
  readonly globals: readonly InstructionOf<'ARG'>[]
  readonly stages: readonly Stage[]
  readonly warnings: readonly string[]
}

/** Reads a Dockerfile into stages. Throws DOCKERFILE with Docker's message, which has the line. */
export function parseDockerfile(content: string): Dockerfile {
  const { lines, escape, warnings } = readLines(content)
  if (lines.length === 0) throw fileError('file with no instructions')
  const globals: InstructionOf<'ARG'>[] = []
  const stages: { index: number; name: string | undefined; from: InstructionOf<'FROM'>; steps: Instruction[] }[] = []
  for (const line of lines) {
    const instruction = parseInstruction(line, escape)
    const stage = stages.at(-1)
    if (instruction.keyword === 'FROM') {
      const { name } = instruction
      if (name !== undefined && stages.some(other => other.name === name)) {
        throw invalidInput('DOCKERFILE', 'a stage name already used', { details: { line: line.line } })
      }
      stages.push({ index: stages.length, name, from: instruction, steps: [] })
    } else if (stage !== undefined) {
      stage.steps.push(instruction)
    } else if (instruction.keyword === 'ARG') {
      globals.push(instruction)
    } else {
      throw invalidInput('DOCKERFILE', 'no build stage in current context', { details: { line: line.line } })
    }
  }
  if (stages.length === 0) throw invalidInput('DOCKERFILE', 'No image was generated. Is your Dockerfile empty?')
  return { escape, globals, stages, warnings }
}

/** The stage to build: a name or a number; absent: the last. */
export function targetStage({ stages }: Dockerfile, target: string | undefined): Stage {
  const wanted = target?.toLowerCase() ?? ''
  const stage =
    wanted === '' ? stages.at(-1) : stages.find(({ name, index }) => name === wanted || `${index}` === wanted)
  if (stage !== undefined) return stage
  throw invalidInput('NO_SUCH_STAGE', `failed to reach build target ${target} in Dockerfile`)
}
