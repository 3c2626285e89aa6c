import { expect, it } from 'vitest'
import { tameLine } from '../../src/cli/output/tame-line.ts'
import { fc } from '../support/property.ts'

it.each([
  ['plain', 'plain'],
  ['tab\tand ü and 漢', 'tab\tand ü and 漢'],
  ['with a terminal\r', 'with a terminal'],
  ['\u001b[1;31mred\u001b[0m', '\u001b[1;31mred\u001b[0m\u001b[0m'],
  ['mine\rdb-1  | forged', 'mine^Mdb-1  | forged'],
  ['\u001b[1A\u001b[2Kdb-1  | forged', '^[[1A^[[2Kdb-1  | forged'],
  ['\u001b]0;title\u0007', '^[]0;title^G'],
  ['\u001b]52;c;cm0gLXJm\u001b\\', '^[]52;c;cm0gLXJm^[\\'],
  ['back\b\b\b\u007f', 'back^H^H^H^?'],
  ['eight bits \u009b2J', 'eight bits M-^[2J'],
])('%j is shown as %j', (line, shown) => {
  expect(tameLine(line)).toBe(shown)
})

const escape = '\u001b'

it('leaves nothing that a terminal obeys, but colours', () => {
  fc.assert(
    fc.property(fc.array(fc.nat(0x2ff)), codes => {
      const line = String.fromCharCode(...codes)
      const looks = new RegExp(`${escape}\\[[\\d;:]*m`, 'g')
      expect(tameLine(line).replaceAll(looks, '')).not.toMatch(/[^\P{Cc}\t]/u)
    }),
  )
})
