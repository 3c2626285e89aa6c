import { describe, expect, it } from 'vitest'
import type { ContainerConfig } from '../../../../src/docker-api/index.ts'
import { withoutCommand } from '../../../../src/runtime/build/created-by.ts'
import { parseDockerfile } from '../../../../src/runtime/build/dockerfile/dockerfile.ts'
import { afterStep, type BuildState, SCRATCH } from '../../../../src/runtime/build/state.ts'
import { configChange, workdirOf } from '../../../../src/runtime/build/steps/config-steps.ts'

function run(lines: readonly string[], base: ContainerConfig = {}): BuildState {
  const { stages } = parseDockerfile(['FROM x', ...lines].join('\n'))
  const start = { ...SCRATCH, config: { Env: ['PATH=/bin'], ...base } }
  return (stages[0]?.steps ?? []).reduce((state: BuildState, step) => {
    if (step.keyword === 'WORKDIR')
      return { ...state, config: { ...state.config, WorkingDir: workdirOf(step, state, '\\') } }
    const change = configChange(step, state, '\\')
    if (change === undefined) return state
    const next = afterStep(state, {
      config: change.config,
      createdBy: withoutCommand(state, change.text),
      madeMs: 0,
    })
    return { ...next, ownCommand: state.ownCommand || step.keyword === 'CMD' }
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
      ['EXPOSE 80 53/udp 9000-9001', 'ENV P="90 91"', 'EXPOSE $P $NONE'],
      { ExposedPorts: { '80/tcp': {}, '53/udp': {}, '9000/tcp': {}, '9001/tcp': {}, '90/tcp': {}, '91/tcp': {} } },
    ],
    ['VOLUME', ['VOLUME ["/a", "/b c"]', 'VOLUME /d /e'], { Volumes: { '/a': {}, '/b c': {}, '/d': {}, '/e': {} } }],
    ['CMD in shell form', ['CMD echo $HOME'], { Cmd: ['/bin/sh', '-c', 'echo $HOME'] }],
    ['CMD in JSON form', ['CMD ["a", "$B"]'], { Cmd: ['a', '$B'] }],
    ['SHELL', ['SHELL ["/bin/bash", "-ec"]', 'CMD x'], { Cmd: ['/bin/bash', '-ec', 'x'], Shell: ['/bin/bash', '-ec'] }],
    ['USER', ['ENV U=app', 'USER $U:$U'], { User: 'app:app' }],
    ['WORKDIR', ['WORKDIR /a', 'WORKDIR b/../c'], { WorkingDir: '/a/c' }],
    ['STOPSIGNAL', ['STOPSIGNAL SIGQUIT'], { StopSignal: 'SIGQUIT' }],
    ['ONBUILD', ['ONBUILD RUN x', 'ONBUILD COPY . .'], { OnBuild: ['RUN x', 'COPY . .'] }],
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

  it('puts the search path behind what the image has, if it has none', () => {
    expect(run(['ENV A=1'], { Env: [] }).config.Env).toEqual([
      'A=1',
      'PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin',
    ])
  })

  it.each([
    [['EXPOSE web'], 'Invalid containerPort: web'],
    [['EXPOSE 99999'], 'Invalid containerPort: 99999'],
    [['EXPOSE 90-80'], 'Invalid containerPort: 90-80'],
    [['EXPOSE 80/http'], 'Invalid proto: http'],
    [['STOPSIGNAL SIGFOO'], 'Invalid signal: SIGFOO'],
    [['VOLUME $NONE'], 'VOLUME specified can not be an empty string'],
  ])('%j is refused', (lines, message) => expect(() => run(lines)).toThrow(message))

  it('tells of itself in the history as Docker does', () => {
    const { history } = run([
      'ENV A=1 B="two words"',
      'EXPOSE 80 443/tcp',
      'CMD ["a", "b"]',
      'VOLUME /a /b',
      'HEALTHCHECK --interval=90s --timeout=3s --retries=2 CMD x',
      'MAINTAINER me',
    ])
    expect(history.map(entry => entry.created_by)).toEqual([
      '/bin/sh -c #(nop)  ENV A=1 B=two words',
      '/bin/sh -c #(nop)  EXPOSE 443/tcp 80',
      '/bin/sh -c #(nop)  CMD ["a" "b"]',
      '/bin/sh -c #(nop)  VOLUME [/a /b]',
      `/bin/sh -c #(nop)  HEALTHCHECK &{["CMD-SHELL" "x"] "1m30s" "3s" "0s" '\\x02'}`,
      '/bin/sh -c #(nop)  MAINTAINER me',
    ])
  })
})
