import { invalidInput, type ShoalError } from '../../core/errors.ts'
import { type DockerfileLines, type Heredoc, type LogicalLine, readLines } from './dockerfile-lines.ts'

const KEYWORDS = [
  'FROM',
  'ARG',
  'ENV',
  'RUN',
  'COPY',
  'ADD',
  'WORKDIR',
  'USER',
  'EXPOSE',
  'LABEL',
  'CMD',
  'ENTRYPOINT',
  'VOLUME',
  'HEALTHCHECK',
  'STOPSIGNAL',
  'SHELL',
  'MAINTAINER',
] as const
export type Keyword = (typeof KEYWORDS)[number]

/** One instruction; its words are read when it runs, because variables may stand in them. */
export interface Instruction {
  readonly keyword: Keyword
  /** `--name=value` before everything else; a flag without a value is `true`. */
  readonly flags: Readonly<Record<string, string>>
  readonly rest: string
  readonly heredocs: readonly Heredoc[]
  readonly line: number
  /** As written, on one line: what is shown and what the cache compares. */
  readonly text: string
}

export interface Stage {
  readonly index: number
  readonly name: string | undefined
  readonly from: Instruction
  readonly steps: readonly Instruction[]
}

export interface Dockerfile {
  readonly file: string
  readonly escape: DockerfileLines['escape']
  /** ARG instructions before the first FROM. */
  readonly globals: readonly Instruction[]
  readonly stages: readonly Stage[]
}

/** Flags we know; any other is refused rather than ignored. */
const FLAGS: Readonly<Partial<Record<Keyword, readonly string[]>>> = {
  FROM: ['platform'],
  COPY: ['from', 'chown', 'chmod', 'link'],
  ADD: ['chown', 'chmod', 'link'],
  HEALTHCHECK: ['interval', 'timeout', 'start-period', 'start-interval', 'retries'],
}

/** An error in a Dockerfile, with where it is. */
export function dockerfileError(file: string, line: number, why: string): ShoalError {
  return invalidInput('DOCKERFILE', `${file}:${line}: ${why}`, { details: { file, line } })
}

/** Reads a Dockerfile into stages. Throws DOCKERFILE with file and line. */
export function parseDockerfile(content: string, file: string): Dockerfile {
  const { lines, escape } = readLines(content)
  const globals: Instruction[] = []
  const stages: { index: number; name: string | undefined; from: Instruction; steps: Instruction[] }[] = []
  for (const line of lines) {
    const instruction = parseInstruction(line, file)
    const stage = stages.at(-1)
    if (instruction.keyword === 'FROM') {
      const name = /\sAS\s+(\S+)\s*$/i.exec(instruction.rest)?.[1]?.toLowerCase()
      stages.push({ index: stages.length, name, from: instruction, steps: [] })
    } else if (stage !== undefined) {
      stage.steps.push(instruction)
    } else if (instruction.keyword === 'ARG') {
      globals.push(instruction)
    } else {
      throw dockerfileError(file, line.line, `${instruction.keyword} before the first FROM: begin with FROM`)
    }
  }
  if (stages.length === 0) throw dockerfileError(file, 1, 'the file has no FROM: name the image to build on')
  return { file, escape, globals, stages }
}

function parseInstruction({ line, text, heredocs }: LogicalLine, file: string): Instruction {
  const [, word = '', after = ''] = /^(\S+)\s*(.*)$/s.exec(text) ?? []
  const keyword = KEYWORDS.find(known => known === word.toUpperCase())
  if (keyword === undefined) {
    throw dockerfileError(file, line, `unknown instruction: ${word.toUpperCase()}`)
  }
  const { flags, rest } = keyword === 'RUN' || keyword in FLAGS ? readFlags(after) : { flags: {}, rest: after }
  for (const flag of Object.keys(flags)) {
    if (!(FLAGS[keyword] ?? []).includes(flag)) {
      throw dockerfileError(file, line, `the flag --${flag} of ${keyword} is not known to this builder`)
    }
  }
  if (rest === '') throw dockerfileError(file, line, `${keyword} needs an argument`)
  return { keyword, flags, rest, heredocs, line, text }
}

function readFlags(text: string): { readonly flags: Readonly<Record<string, string>>; readonly rest: string } {
  const flags: Record<string, string> = {}
  let rest = text
  for (let match = nextFlag(rest); match !== null; match = nextFlag(rest)) {
    flags[match[1] ?? ''] = match[2] ?? 'true'
    rest = rest.slice(match[0].length)
  }
  return { flags, rest }
}

function nextFlag(text: string): RegExpExecArray | null {
  return /^--([a-z][a-z-]*)(?:=(\S*))?\s*/.exec(text)
}

/** The stages to build for a target (a name or a number; absent: the last): all up to it, as the classic builder does. */
export function stagesUpTo(dockerfile: Dockerfile, target: string | undefined): readonly Stage[] {
  const { stages, file } = dockerfile
  if (target === undefined || target === '') return stages
  const wanted = target.toLowerCase()
  const index = stages.findIndex(stage => stage.name === wanted || `${stage.index}` === wanted)
  if (index < 0) {
    const known = stages.map(stage => stage.name ?? stage.index).join(', ')
    throw invalidInput('NO_SUCH_STAGE', `${file}: failed to reach build target ${target}: the stages are ${known}`)
  }
  return stages.slice(0, index + 1)
}
