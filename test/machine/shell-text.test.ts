import { execFileSync } from 'node:child_process'
import { expect, it } from 'vitest'
import { shellText } from '../../src/machine/index.ts'

const VARIABLES = [
  ['DOCKER_TLS_VERIFY', undefined],
  ['DOCKER_HOST', 'tcp://10.0.0.5:2376'],
  ['DOCKER_CERT_PATH', undefined],
  ['DOCKER_MACHINE_NAME', 'n$1'],
] as const

it.each([
  ['sh', 'eval $(printf %s "$TEXT")'],
  ['bash', 'eval $(printf %s "$TEXT")'],
  ['sh', 'eval "$TEXT"'],
  ['bash', 'eval "$TEXT"'],
])('is taken over by %s as the hint says, and with quotes: %s', (shell, line) => {
  const shown = execFileSync(
    shell,
    ['-c', `${line}; echo "$DOCKER_HOST|$DOCKER_MACHINE_NAME|\${DOCKER_TLS_VERIFY-none}"`],
    {
      env: { ...process.env, DOCKER_TLS_VERIFY: '1', TEXT: shellText(shell, VARIABLES, 'machine env n1') },
      encoding: 'utf8',
    },
  )
  expect(shown).toBe('tcp://10.0.0.5:2376|n$1|none\n')
})
