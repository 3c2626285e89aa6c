import { Duplex } from 'node:stream'
import { expect, it } from 'vitest'
import { ManualClock } from '../../src/core/manual-clock.ts'
import { type CommandRun, type Engine, encodeFrame, runInContainer } from '../../src/docker-api/index.ts'

it('keeps lines and letters of the two streams apart, wherever frames are cut', async () => {
  const [head, tail] = [Buffer.from('caf\u00e9').subarray(0, 4), Buffer.from('caf\u00e9').subarray(4)]
  const frames = [
    encodeFrame('stdout', head),
    encodeFrame('stderr', Buffer.from('warn')),
    encodeFrame('stdout', tail),
    encodeFrame('stderr', Buffer.from('ing\nlast words \u00e9'.normalize()).subarray(0, -1)),
    encodeFrame('stdout', Buffer.from('\n')),
  ]
  const exec = {
    create: async () => ({ Id: 'e1' }),
    start: async () => ({ stream: Duplex.from(frames), tty: false }),
    inspect: async () => ({ ExitCode: 3 }),
  }
  const lines: string[] = []
  const run: CommandRun = {
    engine: { exec } as unknown as Engine,
    clock: new ManualClock(),
    signal: new AbortController().signal,
    onLine: line => void lines.push(line),
  }
  const { code, output } = await runInContainer('c1', { command: ['x'] }, run)
  expect(lines).toEqual(['warning', 'caf\u00e9', 'last words \ufffd'])
  expect({ code, output }).toEqual({ code: 3, output: 'cafwarn\u00e9ing\nlast words \n\ufffd' })
})
