import { expect, it } from 'vitest'
import { applyChanges } from '../../../src/runtime/build/index.ts'

it('applies the instructions that change only a config, one after the other', () => {
  const config = { Env: ['A=1'], WorkingDir: '/srv', Cmd: ['old'] }
  const changes = [
    'CMD ["serve", "$A"]',
    'ENV B=${A}2 C=x',
    'EXPOSE 80',
    'LABEL tier="web front"',
    'USER nobody',
    'VOLUME /data',
    'WORKDIR www',
    'ENTRYPOINT ["/init"]',
    'STOPSIGNAL SIGINT',
    'ONBUILD RUN make',
    'HEALTHCHECK --interval=5s CMD ["true"]',
  ]
  expect(applyChanges(config, changes)).toEqual({
    Env: ['A=1', 'B=12', 'C=x'],
    Cmd: ['serve', '$A'],
    ExposedPorts: { '80/tcp': {} },
    Labels: { tier: 'web front' },
    User: 'nobody',
    Volumes: { '/data': {} },
    WorkingDir: '/srv/www',
    Entrypoint: ['/init'],
    StopSignal: 'SIGINT',
    OnBuild: ['RUN make'],
    Healthcheck: { Test: ['CMD', 'true'], Interval: 5_000_000_000 },
  })
  expect(applyChanges(config, [])).toBe(config)
})

it.each([
  ['RUN make', 'run is not a valid change command'],
  ['COPY a b', 'copy is not a valid change command'],
  ['CMD x\nRUN y', 'run is not a valid change command'],
  ['FROM other', 'from is not a valid change command'],
  ['NONSENSE', 'unknown instruction: NONSENSE'],
])('refuses %j', (change, message) => {
  expect(() => applyChanges({}, [change])).toThrow(message)
})
