import { describe, expect, it } from 'vitest'
import { parseCgroupMounts } from '../../../src/runtime/linux/process/cgroups.ts'
import { parseSignal } from '../../../src/runtime/linux/process/signals.ts'

const mount = (target: string, type: string, options: string): string =>
  `30 24 0:26 / ${target} rw,nosuid shared:9 - ${type} ${type} rw,${options}\n`

describe('control group mounts', () => {
  it('of v1', () => {
    const text = mount('/cg/memory', 'cgroup', 'memory') + mount('/cg/cpu', 'cgroup', 'cpu,cpuacct')
    const { version, hybrid, mounts } = parseCgroupMounts(text, () => '')
    expect({ version, hybrid }).toEqual({ version: '1', hybrid: false })
    expect(Object.fromEntries(mounts)).toEqual({ memory: '/cg/memory', cpu: '/cg/cpu', cpuacct: '/cg/cpu' })
  })

  it('of v1 with v2 beside it', () => {
    const text =
      mount('/cg/memory', 'cgroup', 'memory') +
      mount('/cg/systemd', 'cgroup', 'xattr,name=systemd') +
      mount('/cg/unified', 'cgroup2', 'nsdelegate')
    const { version, hybrid, mounts } = parseCgroupMounts(text, () => '')
    expect({ version, hybrid }).toEqual({ version: '1', hybrid: true })
    expect([...mounts.values()]).toEqual(['/cg/memory', '/cg/systemd', '/cg/unified'])
  })

  it('of v2', () => {
    const { version, mounts } = parseCgroupMounts(mount('/cg', 'cgroup2', ''), path => {
      expect(path).toBe('/cg/cgroup.controllers')
      return 'cpu memory pids\n'
    })
    expect(version).toBe('2')
    expect(Object.fromEntries(mounts)).toEqual({ cpu: '/cg', memory: '/cg', pids: '/cg' })
  })
})

describe('signals', () => {
  it.each([
    ['SIGTERM', 15],
    ['term', 15],
    ['9', 9],
    ['SIGRTMIN+3', 37],
    ['RTMAX-1', 63],
  ])('%s is %d', (text, number) => {
    expect(parseSignal(text)).toBe(number)
  })
  it.each(['', '0', '65', 'SIGNOPE', 'RTMIN+99', '-1'])('%j is refused', text => {
    expect(() => parseSignal(text)).toThrow(`Invalid signal: ${text}`)
  })
})
