import { expect, it } from 'vitest'
import { showHookLines } from '../../../../src/cli/commands/compose/up/hook-lines.ts'

/** What is shown of lines of two services, of which one is attached to; what stands apart is in brackets. */
function shown(isPrefixed: boolean): string {
  const said: string[] = []
  const stdout = { write: (text: string | Uint8Array) => said.push(String(text)) > 0 }
  const between = (write: () => void): void => {
    stdout.write('[')
    write()
    stdout.write(']')
  }
  const show = showHookLines({ services: ['web'], isPrefixed, progress: { between }, stdout })
  show({ service: 'db', number: 1 }, 'seeded')
  show({ service: 'web', number: 2 }, 'warm')
  return said.join('')
}

it('shows lines of hooks of the services that are attached to, and leaves room for them', () => {
  expect(shown(true)).toBe('[web-2 -> | warm\n]')
  expect(shown(false)).toBe('[warm\n]')
})
