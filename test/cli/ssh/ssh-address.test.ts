import { describe, expect, it } from 'vitest'
import { isSshAddress, parseSshAddress } from '../../../src/cli/engine/ssh/ssh-address.ts'
import { parseManagerAddress } from '../../../src/cli/manager/manager-address.ts'

describe('an ssh:// address', () => {
  it.each([
    ['ssh://lab', { host: 'lab' }],
    ['ssh://lab/', { host: 'lab' }],
    ['ssh://ann@lab.example.org:2222', { host: 'lab.example.org', user: 'ann', port: 2222 }],
    ['ssh://[fd00::1]:22', { host: 'fd00::1', port: 22 }],
    ['ssh://ann@lab/run/a%20b.sock', { host: 'lab', user: 'ann', socketPath: '/run/a b.sock' }],
    ['ssh://ann%40corp@lab', { host: 'lab', user: 'ann@corp' }],
  ])('%s says where, as whom and to which socket', (text, parts) => {
    expect(parseSshAddress(text)).toEqual({ text, ...parts })
    expect(parseManagerAddress(text).url).toBe(text)
  })

  it.each([
    'ssh://',
    'ssh:///run/x.sock',
    'ssh://-oProxyCommand=id',
    'ssh://-oProxyCommand=id@lab',
    'ssh://ann@-lab',
    'ssh://lab:0',
    'ssh://lab:65536',
    'ssh://lab:ssh',
    'ssh://lab?x=1',
    'ssh://lab/run/%zz',
    'ssh://lab/run/%00',
    'ssh://lab/run/a%0Ab',
    `ssh://lab/${'x'.repeat(108)}`,
    'ssh://a b@lab',
    'ssh://[::1',
    'ssh://$(id)@lab',
  ])('%s is refused', text => {
    expect(() => parseSshAddress(text)).toThrow(/^Cannot use the address/)
  })

  it('has no password, which is not repeated', () => {
    expect(() => parseSshAddress('ssh://ann:secret@lab')).toThrow(/^(?!.*secret).*password/)
  })

  it('is told from others', () => {
    expect(['ssh://lab', 'tcp://ssh', 'SSH://lab', 'unix:///ssh://'].map(isSshAddress)).toEqual([
      true,
      false,
      false,
      false,
    ])
  })
})
