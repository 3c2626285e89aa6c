import { describe, expect, it } from 'vitest'
import { type Exec, hasStarted, inspectExec, isForgotten, sizeOf } from '../../../src/runtime/containers/exec/exec.ts'
import { aRecord, running as runningLife } from './support.ts'

const running = () => aRecord({ life: runningLife })

const exec = (state: Exec['state'], request: Partial<Exec['request']> = {}): Exec => ({
  id: 'e1',
  containerId: 'c1',
  request: { Cmd: ['ls', '-l'], ...request },
  detachKeys: Buffer.from('ab'),
  state,
  sinceMs: 0,
})
const created = exec({ status: 'created' })
const active = exec({ status: 'running', pid: 7, process: undefined })
const ended = exec({ status: 'ended', exitCode: 3 })
const MINUTE = 60_000

describe('an exec', () => {
  it.each([
    ['one that could start, after an hour', created, running(), 60 * MINUTE],
    ['one that cannot start, after five minutes', created, aRecord(), 5 * MINUTE],
    ['one that has ended, after five minutes', ended, running(), 5 * MINUTE],
  ])('is forgotten: %s', (_title, given, container, afterMs) => {
    expect(isForgotten(given, container, afterMs - 1)).toBe(false)
    expect(isForgotten(given, container, afterMs)).toBe(true)
  })

  it('is kept while it runs, and goes with its container', () => {
    expect(isForgotten(active, running(), 1e12)).toBe(false)
    for (const one of [created, active, ended]) expect(isForgotten(one, undefined, 0)).toBe(true)
  })

  it('is shown as Docker shows it', () => {
    expect(inspectExec(exec({ status: 'ended', exitCode: 3 }, { User: 'web', Tty: true, DetachKeys: 'a,b' }))).toEqual({
      ID: 'e1',
      Running: false,
      ExitCode: 3,
      ProcessConfig: { tty: true, entrypoint: 'ls', arguments: ['-l'], privileged: false, user: 'web' },
      OpenStdin: false,
      OpenStderr: false,
      OpenStdout: false,
      CanRemove: false,
      ContainerID: 'c1',
      DetachKeys: 'YWI=',
      Pid: 0,
    })
    expect(inspectExec(created)).toMatchObject({ ExitCode: null, DetachKeys: '' })
    expect(inspectExec(created).ProcessConfig).not.toHaveProperty('user')
    expect(inspectExec(active)).toMatchObject({ Running: true, Pid: 7 })
  })

  it('says why it does not start again', () => {
    expect(hasStarted(active).message).toBe('Error: Exec command e1 is already running')
    expect(hasStarted(ended)).toMatchObject({ status: 409, message: 'Error: Exec command e1 has already run' })
  })

  it('has the size of its terminal from a pair', () => {
    expect(sizeOf([24, 80])).toEqual({ height: 24, width: 80 })
    expect([sizeOf(undefined), sizeOf([]), sizeOf([0, 0])]).toEqual([undefined, undefined, undefined])
    for (const bad of [[1], [1, 2, 3], [-1, 5]]) expect(() => sizeOf(bad)).toThrow('ConsoleSize')
  })
})
