import { describe, expect, it } from 'vitest'
import type { ContainerConfig } from '../../../src/docker-api/index.ts'
import { CONFIG_STEPS, workdirOf } from '../../../src/runtime/build/config-steps.ts'
import { parseDockerfile } from '../../../src/runtime/build/instructions.ts'
import { type BuildState, stateFrom, withConfig } from '../../../src/runtime/build/state.ts'

const context = { file: 'Dockerfile', escape: '\\' }

function run(lines: readonly string[], base: ContainerConfig = {}): BuildState {
  const { stages } = parseDockerfile(['FROM x', ...lines].join('\n'), 'Dockerfile')
  const start = stateFrom({ id: 'x', layers: [], history: [], createdMs: 0, config: { Env: ['PATH=/bin'], ...base } })
  return (stages[0]?.steps ?? []).reduce((state, step) => {
    if (step.keyword === 'WORKDIR')
      return { ...state, config: { ...state.config, WorkingDir: workdirOf(step, state, context) } }
    const change = CONFIG_STEPS[step.keyword]
    return change === undefined ? state : withConfig(state, change(step, state, context), step.text)
  }, start)
}

describe('instructions that change the config', () => {
  it.each<[string, readonly string[], ContainerConfig]>([
    [
      'ENV',
      ['ENV A=1 B="two words"', 'ENV C $A and more', 'ENV A=$A$A'],
      { Env: ['PATH=/bin', 'A=11', 'B=two words', 'C=1 and more'] },
    ],
    // All values of one instruction are read before any of them is set.
    ['ENV at once', ['ENV A=1', 'ENV A=2 B=$A'], { Env: ['PATH=/bin', 'A=2', 'B=1'] }],
    ['LABEL', ['LABEL a=1 "b c"=2', 'LABEL a=3'], { Labels: { a: '3', 'b c': '2' } }],
    [
      'EXPOSE',
      ['EXPOSE 80 53/udp', 'ENV P=90', 'EXPOSE $P'],
      { ExposedPorts: { '80/tcp': {}, '53/udp': {}, '90/tcp': {} } },
    ],
    ['VOLUME', ['VOLUME ["/a", "/b c"]', 'VOLUME /d /e'], { Volumes: { '/a': {}, '/b c': {}, '/d': {}, '/e': {} } }],
    ['CMD in shell form', ['CMD echo $HOME'], { Cmd: ['/bin/sh', '-c', 'echo $HOME'] }],
    ['CMD in JSON form', ['CMD ["a", "$B"]'], { Cmd: ['a', '$B'] }],
    ['SHELL', ['SHELL ["/bin/bash", "-ec"]', 'CMD x'], { Cmd: ['/bin/bash', '-ec', 'x'], Shell: ['/bin/bash', '-ec'] }],
    ['USER', ['ENV U=app', 'USER $U:$U'], { User: 'app:app' }],
    ['WORKDIR', ['WORKDIR /a', 'WORKDIR b/../c'], { WorkingDir: '/a/c' }],
    ['STOPSIGNAL', ['STOPSIGNAL SIGQUIT'], { StopSignal: 'SIGQUIT' }],
    ['MAINTAINER', ['MAINTAINER A B'], { Labels: { maintainer: 'A B' } }],
    [
      'HEALTHCHECK',
      ['HEALTHCHECK --interval=5s --retries=2 CMD curl localhost'],
      { Healthcheck: { Test: ['CMD-SHELL', 'curl localhost'], Interval: 5e9, Retries: 2 } },
    ],
    ['HEALTHCHECK off', ['HEALTHCHECK NONE'], { Healthcheck: { Test: ['NONE'] } }],
  ])('%s', (_name, lines, expected) => expect(run(lines).config).toMatchObject(expected))

  it("drops the base image's command with its entrypoint, but not the stage's own", () => {
    expect(run(['ENTRYPOINT ["a"]'], { Cmd: ['old'] }).config.Cmd).toBeNull()
    expect(run(['CMD ["new"]', 'ENTRYPOINT ["a"]'], { Cmd: ['old'] }).config.Cmd).toEqual(['new'])
  })

  it.each([
    [['ENV A'], 'Dockerfile:2: ENV must have two arguments'],
    [['ENV A=1 B'], 'Dockerfile:2: can\'t find = in "B"'],
    [['EXPOSE web'], 'Dockerfile:2: invalid port "web"'],
    [['SHELL bash'], 'Dockerfile:2: SHELL requires the arguments to be in JSON form'],
    [['USER a b'], 'Dockerfile:2: USER requires exactly one argument'],
    [['HEALTHCHECK curl'], 'Dockerfile:2: HEALTHCHECK needs CMD'],
    [['HEALTHCHECK --interval=soon CMD x'], 'Dockerfile:2: --interval: Cannot read duration'],
  ])('%j is refused', (lines, message) => expect(() => run(lines)).toThrow(message))

  it('gives equal keys to equal steps only', () => {
    expect(run(['ENV A=1', 'CMD x']).key).toBe(run(['ENV A=1', 'CMD x']).key)
    expect(run(['ENV A=1', 'CMD x']).key).not.toBe(run(['ENV A=2', 'CMD x']).key)
    expect(run(['ENV A=1']).key).not.toBe(run(['LABEL A=1']).key)
  })
})
