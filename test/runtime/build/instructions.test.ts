import { describe, expect, it } from 'vitest'
import { parseDockerfile, stagesUpTo } from '../../../src/runtime/build/instructions.ts'

const parse = (...lines: string[]) => parseDockerfile(lines.join('\n'), 'Dockerfile')

describe('parseDockerfile', () => {
  it('joins continued lines, with comments and empty lines inside them', () => {
    const { stages } = parse('FROM a', 'RUN one && \\', '# a comment', '', '  two && \\', '  three', 'CMD x')
    expect(stages[0]?.steps.map(step => [step.keyword, step.rest, step.line])).toEqual([
      ['RUN', 'one &&   two &&   three', 2],
      ['CMD', 'x', 7],
    ])
  })

  it('obeys the escape directive', () => {
    const { stages, escape } = parse('# escape=`', 'FROM a', 'RUN a `', ' b \\')
    expect(escape).toBe('`')
    expect(stages[0]?.steps[0]?.rest).toBe('a  b \\')
  })

  it('reads a directive only at the top', () => {
    expect(parse('# hello', '# escape=`', 'FROM a').escape).toBe('\\')
  })

  it('names stages and keeps global arguments apart', () => {
    const { globals, stages } = parse('ARG V=1', 'FROM a:$V AS Build', 'RUN x', 'FROM b', 'COPY --from=build /x /y')
    expect(globals.map(it => it.rest)).toEqual(['V=1'])
    expect(stages.map(stage => [stage.name, stage.steps.length])).toEqual([
      ['build', 1],
      [undefined, 1],
    ])
    expect(stages[1]?.steps[0]?.flags).toEqual({ from: 'build' })
    expect(stages[1]?.steps[0]?.rest).toBe('/x /y')
  })

  it('reads here-documents', () => {
    const { stages } = parse('FROM a', 'RUN <<EOF', 'one', 'two', 'EOF', 'COPY <<-"X" /a', '\tin', '\tX', 'CMD z')
    expect(
      stages[0]?.steps.map(({ keyword, heredocs }) => [keyword, heredocs.map(it => [it.content, it.literal])]),
    ).toEqual([
      ['RUN', [['one\ntwo\n', false]]],
      ['COPY', [['in\n', true]]],
      ['CMD', []],
    ])
  })

  it.each([
    [['FORM a'], 'Dockerfile:1: unknown instruction: FORM'],
    [['', '# c', 'RUN x'], 'Dockerfile:3: RUN before the first FROM: begin with FROM'],
    [['FROM a', 'RUN'], 'Dockerfile:2: RUN needs an argument'],
    [['FROM a', 'COPY --form=x a b'], 'Dockerfile:2: the flag --form of COPY is not known to this builder'],
    [['FROM a', 'RUN --mount=type=cache x'], 'Dockerfile:2: the flag --mount of RUN is not known to this builder'],
    [['# nothing'], 'Dockerfile:1: the file has no FROM: name the image to build on'],
  ])('%j is refused', (lines, message) => {
    expect(() => parse(...lines)).toThrow(expect.objectContaining({ code: 'DOCKERFILE', message }))
  })
})

describe('stagesUpTo', () => {
  const file = parse('FROM a AS one', 'FROM b AS two', 'FROM c')
  it.each([
    ['one', 1],
    ['TWO', 2],
    ['1', 2],
    [undefined, 3],
  ])('%s', (target, count) => expect(stagesUpTo(file, target)).toHaveLength(count))

  it('names the stages there are', () => {
    expect(() => stagesUpTo(file, 'three')).toThrow('failed to reach build target three: the stages are one, two, 2')
  })
})
