import { describe, expect, it } from 'vitest'
import { checkContainerDefaults, inForce, withDefaults } from '../../../src/runtime/containers/container-defaults.ts'

const nofile = { Name: 'nofile', Soft: 1, Hard: 2 }

describe('what a container keeps of its engine', () => {
  const defaults = {
    shmBytes: 5,
    ipcMode: 'shareable',
    cgroupnsMode: 'host',
    logDriver: 'local',
    logOptions: { 'max-size': '1m', 'max-file': '3' },
  }

  it('is all it does not say itself', () => {
    expect(withDefaults({}, {})).toEqual({})
    expect(withDefaults({ ShmSize: 0 }, defaults)).toEqual({
      ShmSize: 5,
      IpcMode: 'shareable',
      CgroupnsMode: 'host',
      LogConfig: { Type: 'local', Config: { 'max-size': '1m', 'max-file': '3' } },
    })
    const own = { ShmSize: 1, IpcMode: 'none', CgroupnsMode: 'private' }
    expect(withDefaults(own, defaults)).toMatchObject(own)
  })

  it('are options of the log driver that they are meant for', () => {
    const logs = (Type: string, Config = {}) => withDefaults({ LogConfig: { Type, Config } }, defaults).LogConfig
    expect(logs('json-file')).toEqual({ Type: 'json-file', Config: {} })
    expect(logs('local', { 'max-size': '9m' })?.Config).toEqual({ 'max-size': '9m', 'max-file': '3' })
  })
})

describe('what is in force at a start', () => {
  it('is the engine’s where the container says nothing', () => {
    const defaults = { dns: ['9.9.9.9'], dnsSearch: ['a'], dnsOptions: ['b'], init: true, ulimits: [nofile] }
    expect(inForce({}, defaults)).toEqual({
      Dns: ['9.9.9.9'],
      DnsSearch: ['a'],
      DnsOptions: ['b'],
      Init: true,
      Ulimits: [nofile],
    })
    const own = {
      Dns: ['1.1.1.1'],
      DnsSearch: ['x'],
      DnsOptions: ['y'],
      Init: false,
      Ulimits: [{ ...nofile, Hard: 7 }],
    }
    expect(inForce(own, defaults)).toEqual(own)
    expect(inForce({ Ulimits: [{ Name: 'core', Soft: 0, Hard: 0 }] }, defaults).Ulimits).toHaveLength(2)
  })

  it('is what the container says of its security, where both do', () => {
    const defaults = { noNewPrivileges: true, seccomp: 'unconfined' }
    const own = ['no-new-privileges=false', 'seccomp=builtin']
    expect(inForce({ SecurityOpt: own }, defaults).SecurityOpt).toEqual([
      'no-new-privileges',
      'seccomp=unconfined',
      ...own,
    ])
  })
})

it.each([
  [{ logDriver: 'syslog' }, 'no log driver named'],
  [{ logOptions: { bogus: '1' } }, "unknown log opt 'bogus'"],
  [{ seccomp: '{' }, ''],
])('%j can be given to no container', (defaults, message) => {
  expect(() => checkContainerDefaults(defaults)).toThrow(message)
})
