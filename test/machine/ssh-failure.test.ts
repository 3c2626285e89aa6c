import { expect, it } from 'vitest'
import { errorMessage } from '../../src/core/errors.ts'
import { badKey, connectFailure } from '../../src/machine/ssh/failure.ts'

it.each([
  ['there is no such file', 'name a file that is there'],
  ['no passphrase given', 'ssh-add'],
  ['unsupported key format', 'ssh-keygen -p -f'],
])('says what to do with a key that cannot be used: %s', (why, remedy) => {
  expect(badKey('/keys/id', 'n1', why).message).toContain(remedy)
})

it('says what to do about a host that is not reached last, and each thing once', () => {
  const cause = Object.assign(new Error('connect ECONNREFUSED 10.0.0.1:22'), { code: 'ECONNREFUSED' })
  const error = connectFailure(cause, { user: 'root', host: '10.0.0.1', port: 22, offered: [] })
  expect(errorMessage(error)).toBe(
    'Cannot reach 10.0.0.1:22 (ECONNREFUSED): nothing listens there: is sshd running, and is the port right?',
  )
})
