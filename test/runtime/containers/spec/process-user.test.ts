import { describe, expect, it } from 'vitest'
import { resolveUser } from '../../../../src/runtime/containers/spec/process-user.ts'
import { fc } from '../../../support/property.ts'

const files = {
  passwd:
    '# comment\nroot:x:0:0:root:/root:/bin/sh\napp:x:1000:1001::/:/bin/sh\nbroken\nevil:x:NaN:0::/:/x\nwild:x:1:99999999999::/:/x\n42:x:7:8::/:/x\n',
  group: 'root:x:0:\nwheel:x:10:root\napp:x:1001:\nextra:x:50:other,app\nalso:x:51:app\n99:x:60:\n',
}

describe('the user of a process', () => {
  it.each<[string, number, number, number[]]>([
    ['', 0, 0, [0, 10]],
    ['root', 0, 0, [0, 10]],
    ['0', 0, 0, [0, 10]],
    ['app', 1000, 1001, [1001, 50, 51]],
    ['1000', 1000, 1001, [1001, 50, 51]],
    ['app:extra', 1000, 50, [50]],
    ['app:77', 1000, 77, [77]],
    ['5', 5, 0, [0]],
    ['5:6', 5, 6, [6]],
    [':extra', 0, 50, [50]],
    // What looks like a number is one, whatever the file says.
    ['42', 42, 0, [0]],
    ['5:99', 5, 99, [99]],
    ['2147483647', 2147483647, 0, [0]],
  ])('%j', (user, uid, gid, additionalGids) => {
    expect(resolveUser(user, files)).toEqual({ uid, gid, additionalGids })
  })

  it.each([
    ['ghost', 'unable to find user ghost: no matching entries in passwd file'],
    ['app:ghosts', 'unable to find group ghosts: no matching entries in group file'],
    ['99999999999', 'uids and gids must be in range 0-2147483647'],
    ['2147483648', 'uids and gids must be in range'],
    ['-1', 'uids and gids must be in range'],
    ['4294967296', 'uids and gids must be in range'],
    ['1:-1', 'uids and gids must be in range'],
    ['0x0', 'unable to find user 0x0'],
    ['evil', 'unable to find user evil'],
    ['wild', 'unable to find user wild'],
  ])('%j is refused', (user, message) => {
    expect(() => resolveUser(user, files)).toThrow(message)
  })

  it('adds groups by name and number', () => {
    expect(resolveUser('app', files, ['wheel', '7', '99']).additionalGids).toEqual([1001, 50, 51, 10, 7, 60])
    expect(() => resolveUser('app', files, ['ghosts'])).toThrow('Unable to find group ghosts')
  })

  it('stays with the first entry of an account that is listed twice', () => {
    const twice = { passwd: 'a:x:5:5::/:/x\na:x:0:0::/:/x\n', group: '' }
    expect(resolveUser('a', twice).uid).toBe(5)
  })

  it('takes whatever the files hold without failing otherwise than by refusal', () => {
    fc.assert(
      fc.property(fc.string(), fc.string(), fc.string(), (user, passwd, group) => {
        try {
          const { uid, gid } = resolveUser(user, { passwd, group })
          expect(uid).toBeGreaterThanOrEqual(0)
          expect(gid).toBeLessThan(2 ** 31)
        } catch (error) {
          expect(error).toMatchObject({ status: 400 })
        }
      }),
    )
  })
})
