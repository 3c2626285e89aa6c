import { describe, expect, it } from 'vitest'
import { parseDockerfile, targetStage } from '../../../../src/runtime/build/dockerfile/dockerfile.ts'
import { neededStages } from '../../../../src/runtime/build/stage-plan.ts'

const parse = (...lines: string[]) => parseDockerfile(lines.join('\n'))

describe('parseDockerfile', () => {
  it('joins continued lines, with comments and empty lines inside them', () => {
    const { stages, warnings } = parse(
      'FROM a',
      'RUN one && \\',
      '# a comment',
      '',
      '  two && \\  ',
      '  three',
      'CMD x',
    )
    expect(stages[0]?.steps).toMatchObject([
      { keyword: 'RUN', rest: 'one &&   two &&   three', line: 2 },
      { keyword: 'CMD', rest: 'x', line: 7 },
    ])
    expect(warnings).toEqual([
      '[WARNING]: Empty continuation line found in:\n    RUN one &&   two &&   three',
      '[WARNING]: Empty continuation lines will become errors in a future release.',
    ])
  })

  it('takes a file that ends inside an instruction, has a mark in front, or other line ends', () => {
    expect(parse('\uFEFFFROM a', 'RUN x \\', '').stages[0]?.steps).toMatchObject([{ rest: 'x' }])
    expect(parseDockerfile('FROM a\r\nRUN x\r\n').stages[0]?.steps).toMatchObject([{ rest: 'x' }])
    expect(parse('from\ta', 'run\tx').stages[0]?.steps).toMatchObject([{ keyword: 'RUN', text: 'run\tx' }])
  })

  it('obeys the directives at the top, and only there', () => {
    const { stages, escape } = parse('# syntax=docker/dockerfile:1', '# escape=`', 'FROM a', 'RUN a `', ' b \\')
    expect(escape).toBe('`')
    expect(stages[0]?.steps).toMatchObject([{ rest: 'a  b \\' }])
    expect(parse('# hello', '# escape=`', 'FROM a').escape).toBe('\\')
  })

  it('names stages and keeps global arguments apart', () => {
    const { globals, stages } = parse('ARG V=1', 'FROM a:$V AS Build', 'RUN x', 'FROM b', 'COPY --from=build /x /y')
    expect(globals).toMatchObject([{ args: [{ name: 'V', fallback: '1' }] }])
    expect(stages.map(stage => [stage.name, stage.steps.length])).toEqual([
      ['build', 1],
      [undefined, 1],
    ])
    const [copy] = stages[1]?.steps ?? []
    expect(copy).toMatchObject({ sources: ['/x'], target: '/y' })
    expect([...(copy?.flags ?? [])]).toEqual([['from', ['build']]])
  })

  it('reads flags with quotes, switches and lists', () => {
    const [step] = parse('FROM a', 'COPY --link --exclude=a --exclude="b c" --chown=1 x /y').stages[0]?.steps ?? []
    expect(Object.fromEntries(step?.flags ?? [])).toEqual({ link: ['true'], exclude: ['a', 'b c'], chown: ['1'] })
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
    expect(parse('FROM a', 'RUN ["cat", "<<EOF"]', 'RUN cat <<<EOF').stages[0]?.steps[1]?.heredocs).toEqual([])
  })

  it.each([
    [['FORM a'], 'dockerfile parse error line 1: unknown instruction: FORM'],
    [['', '# c', 'RUN x'], 'no build stage in current context'],
    [['# nothing'], 'failed to parse Dockerfile: file with no instructions'],
    [['ARG A'], 'No image was generated. Is your Dockerfile empty?'],
    [['# escape=x', 'FROM a'], "failed to parse Dockerfile: invalid escape token 'x' does not match ` or \\"],
    [['# escape=`', '# escape=`'], 'failed to parse Dockerfile: only one escape parser directive can be used'],
    [['FROM a AS'], 'line 1: FROM requires either one or three arguments'],
    [['FROM a BUT b'], 'line 1: FROM requires either one or three arguments'],
    [['FROM a AS 1x'], 'line 1: invalid name for build stage: "1x", name can\'t start with a number'],
    [['FROM a AS b', 'FROM a AS B'], 'a stage name already used'],
    [['FROM a', '', 'COPY --form=x a b'], 'line 3: Unknown flag: form'],
    [['FROM a', 'COPY --from=x --from=y a b'], 'line 2: Duplicate flag specified: from'],
    [['FROM a', 'COPY --from a b'], 'line 2: Missing a value on flag: from'],
    [['FROM a', 'COPY --link=maybe a b'], 'line 2: Expecting boolean value for flag link, not: maybe'],
    [['FROM a', 'COPY a'], 'line 2: COPY requires at least two arguments, but only one was provided.'],
    [['FROM a', 'ENV'], 'line 2: ENV requires at least one argument'],
    [['FROM a', 'ENV A'], 'failed to parse Dockerfile: ENV must have two arguments'],
    [['FROM a', 'LABEL A=1 B'], 'Syntax error - can\'t find = in "B". Must be of the form: name=value'],
    [['FROM a', 'ARG =x'], 'line 2: ARG names can not be blank'],
    [['FROM a', 'SHELL bash'], 'line 2: SHELL requires the arguments to be in JSON form'],
    [['FROM a', 'CMD ["a", 1]'], 'When using JSON array syntax, arrays must be comprised of strings only.'],
    [['FROM a', 'VOLUME [""]'], 'line 2: VOLUME specified can not be an empty string'],
    [['FROM a', 'USER'], 'line 2: USER requires exactly one argument'],
    [['FROM a', 'ONBUILD FROM x'], "line 2: FROM isn't allowed as an ONBUILD trigger"],
    [['FROM a', 'ONBUILD onbuild RUN x'], "line 2: Chaining ONBUILD via `ONBUILD ONBUILD` isn't allowed"],
    [['FROM a', 'HEALTHCHECK curl'], 'line 2: Unknown type "CURL" in HEALTHCHECK (try CMD)'],
    [['FROM a', 'HEALTHCHECK NONE x'], 'line 2: HEALTHCHECK NONE takes no arguments'],
    [['FROM a', 'HEALTHCHECK CMD'], 'line 2: Missing command after HEALTHCHECK CMD'],
    [['FROM a', 'HEALTHCHECK --interval=soon CMD x'], 'line 2: time: invalid duration "soon"'],
    [['FROM a', 'HEALTHCHECK --interval=1us CMD x'], 'line 2: Interval "interval" cannot be less than 1ms'],
    [['FROM a', 'HEALTHCHECK --retries=0 CMD x'], 'line 2: --retries must be at least 1 (not 0)'],
    [['FROM a', 'RUN <<EOF', 'x'], 'line 2: unterminated heredoc: no line says EOF'],
    [['FROM a', `RUN ${'x'.repeat(70_000)}`], 'line 2: dockerfile line greater than maximum allowed size of 65535'],
  ])('%j is refused', (lines, message) => {
    expect(() => parse(...lines)).toThrow(
      expect.objectContaining({ code: 'DOCKERFILE', status: 400, message: expect.stringContaining(message) }),
    )
  })
})

describe('stages', () => {
  const file = parse('FROM a AS one', 'FROM b AS two', 'FROM one', 'COPY --from=two /a /b', 'FROM c')
  const needed = (target?: string) => neededStages(file, target, new Map()).map(({ index }) => index)

  it('builds what the target needs, and nothing else', () => {
    expect([needed(), needed('two'), needed('2'), needed('ONE')]).toEqual([[3], [1], [0, 1, 2], [0]])
    const mounted = parse('FROM a AS x', 'FROM b', 'RUN --mount=type=bind,from=x,target=/m ls')
    expect(neededStages(mounted, undefined, new Map())).toHaveLength(2)
    const named = parse('ARG B=x', 'FROM a AS x', 'FROM $B')
    expect(neededStages(named, undefined, new Map([['B', 'x']]))).toHaveLength(2)
  })

  it('knows no other target', () => {
    expect(() => targetStage(file, 'three')).toThrow('failed to reach build target three in Dockerfile')
  })
})
