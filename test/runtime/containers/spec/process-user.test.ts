import { describe, expect, it } from 'vitest'
import { needsAccountFiles, resolveUser } from '../../../../src/runtime/containers/spec/process-user.ts'

const files = {
  passwd: '# comment\nroot:x:0:0:root:/root:/bin/sh\napp:x:1000:1001::/:/bin/sh\nbroken\n42:x:7:8::/:/x\n',
  group: 'root:x:0:\napp:x:1001:\nextra:x:50:other,app\nalso:x:51:app\n',
}

describe('the user of a process', () => {
  it.each<[string, number, number, number[]]>([
    ['', 0, 0, []],
    ['root', 0, 0, []],
    ['app', 1000, 1001, [50, 51]],
    ['1000', 1000, 1001, [50, 51]],
    ['app:extra', 1000, 50, []],
    ['app:77', 1000, 77, []],
    ['5', 5, 0, []],
    ['5:6', 5, 6, []],
    [':extra', 0, 50, []],
    // A name that looks like a number is a name first.
    ['42', 7, 8, []],
  ])('%j', (user, uid, gid, additionalGids) => {
    expect(resolveUser(user, files)).toEqual({ uid, gid, additionalGids })
  })

  it.each([
    ['ghost', 'unable to find user ghost: no matching entries in passwd file'],
    ['app:ghosts', 'unable to find group ghosts: no matching entries in group file'],
    ['99999999999', 'unable to find user 99999999999: no matching entries in passwd file'],
  ])('%j is refused', (user, message) => {
    expect(() => resolveUser(user, files)).toThrow(message)
  })

  it.each([
    ['', false],
    ['0:0', false],
    ['root', false],
    ['1000', true],
    ['app', true],
  ])('%j needs the account files: %s', (user, needed) => {
    expect(needsAccountFiles(user)).toBe(needed)
  })
})
