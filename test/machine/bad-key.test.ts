import { expect, it } from 'vitest'
import { badKey } from '../../src/machine/ssh/failure.ts'

it.each([
  ['there is no such file', 'name a file that is there'],
  ['no passphrase given', 'ssh-add'],
  ['unsupported key format', 'ssh-keygen -p -f'],
])('says what to do with a key that cannot be used: %s', (why, remedy) => {
  expect(badKey('/keys/id', 'n1', why).message).toContain(remedy)
})
