import { describe, expect, it } from 'vitest'
import { DetachScanner, parseDetachKeys } from '../../src/core/detach-keys.ts'
import { fc } from '../support/property.ts'

describe('parseDetachKeys()', () => {
  it.each([
    [undefined, [16, 17]],
    ['', [16, 17]],
    ['ctrl-a,d', [1, 100]],
    ['ctrl-@,ctrl-[,ctrl-\\,ctrl-],ctrl-^,ctrl-_,DEL', [0, 27, 28, 29, 30, 31, 127]],
    ['Q', [81]],
  ])('reads %j', (text, codes) => expect([...parseDetachKeys(text)]).toEqual(codes))

  it.each(['ctrl-', 'ctrl-A', 'ctrl-1', 'shift-a', 'ab', 'a,,b', 'ctrl-p ctrl-q', 'é'])('refuses %j', text => {
    expect(() => parseDetachKeys(text)).toThrow(`Invalid detach keys (${text}) provided`)
  })
})

describe('DetachScanner', () => {
  const type = (keys: string, ...pieces: string[]) => {
    const scanner = new DetachScanner(parseDetachKeys(keys))
    const results = pieces.map(piece => scanner.push(Buffer.from(piece)))
    return { text: results.map(({ forward }) => forward.toString()).join(''), left: results.at(-1)?.detached }
  }

  it.each([
    [['hello'], 'hello', false],
    [['ab'], '', true],
    [['xab'], 'x', true],
    [['xa', 'by'], 'x', true],
    [['a', 'b'], '', true],
    [['a', 'c'], 'ac', false],
    [['a'], '', false],
    [['aab'], 'aab', false],
    [['acab'], 'ac', true],
    [['ba', 'ab'], 'baab', false],
  ] as const)('of %j passes %j on', (pieces, text, left) => {
    expect(type('a,b', ...pieces)).toEqual({ text, left })
  })

  it('passes on everything that is typed, whatever the pieces, but the keys and what follows them', () => {
    fc.assert(
      fc.property(fc.array(fc.stringMatching(/^[abc]{0,4}$/), { maxLength: 12 }), pieces => {
        const scanner = new DetachScanner(parseDetachKeys('a,b,c'))
        const whole = new DetachScanner(parseDetachKeys('a,b,c')).push(Buffer.from(pieces.join('')))
        let text = ''
        let left = false
        for (const piece of pieces) {
          if (left) break
          const { forward, detached } = scanner.push(Buffer.from(piece))
          text += forward.toString()
          left = detached
        }
        expect({ text, left }).toEqual({ text: whole.forward.toString(), left: whole.detached })
        if (!left) expect(pieces.join('').startsWith(text)).toBe(true)
      }),
    )
  })
})
