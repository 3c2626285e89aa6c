import { expect, it } from 'vitest'
import { checkSignal } from '../../../src/cli/commands/compose/signal-name.ts'

it.each(['TERM', 'SIGTERM', 'sigusr1', '9', 'RTMIN', 'RTMIN+3', 'RTMAX-1', 'WINCH'])('%s is a signal', signal =>
  expect(() => checkSignal(signal)).not.toThrow(),
)
it.each(['FOO', '', 'SIG', 'RTMIN-1', 'RTMAX+1', '-9', 'TERM KILL', 'toString'])('%j is none', signal =>
  expect(() => checkSignal(signal)).toThrow(`Invalid signal: ${signal}`),
)
