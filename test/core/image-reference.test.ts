import { describe, expect, it } from 'vitest'
import {
  familiarImageName,
  formatImageReference,
  parseImageReference,
  splitReference,
} from '../../src/core/image-reference.ts'
import { fc } from '../support/property.ts'

const DIGEST = `sha256:${'a'.repeat(64)}`

describe('parseImageReference()', () => {
  it.each([
    ['redis', 'docker.io/library/redis:latest'],
    ['redis:7', 'docker.io/library/redis:7'],
    ['team/app', 'docker.io/team/app:latest'],
    ['localhost/app', 'localhost/app:latest'],
    ['10.0.0.1:5000/app:1', '10.0.0.1:5000/app:1'],
    ['[::1]:5000/app', '[::1]:5000/app:latest'],
    [`host.example/a/b@${DIGEST}`, `host.example/a/b@${DIGEST}`],
    [`app:1@${DIGEST}`, `docker.io/library/app:1@${DIGEST}`],
    ['index.docker.io/library/redis', 'docker.io/library/redis:latest'],
  ])('reads %s', (text, full) => expect(formatImageReference(parseImageReference(text))).toBe(full))

  it.each([
    '',
    ':',
    'Redis',
    'a//b',
    '/a',
    'a/',
    'app:',
    'app:-x',
    'app@sha256:12',
    'a@b@c',
    'host:99999999/app',
    '../etc',
    'a b',
    `x@${DIGEST}@${DIGEST}`,
  ])('refuses %j and repeats it', text =>
    expect(() => parseImageReference(text)).toThrow(`Cannot read image name "${text}"`),
  )

  it('never answers with anything but a reference or its own error', () => {
    fc.assert(
      fc.property(fc.string(), text => {
        try {
          const reference = parseImageReference(text)
          expect(parseImageReference(formatImageReference(reference))).toMatchObject({
            repository: reference.repository,
          })
        } catch (error) {
          expect(String(error)).toContain('Cannot read image name')
        }
      }),
    )
  })
})

describe('familiarImageName()', () => {
  it.each([
    ['docker.io/library/redis', 'redis:latest'],
    ['docker.io/team/app:2', 'team/app:2'],
    ['host:5000/library/app', 'host:5000/library/app:latest'],
  ])('shows %s as docker does', (text, shown) => expect(familiarImageName(parseImageReference(text))).toBe(shown))
})

it.each([
  ['a', { name: 'a' }],
  ['h:5000/a/b', { name: 'h:5000/a/b' }],
  ['h:5000/a:1', { name: 'h:5000/a', tag: '1' }],
  [`a@sha256:${'0'.repeat(64)}`, { name: 'a', tag: `sha256:${'0'.repeat(64)}` }],
  [`a:1@sha256:${'0'.repeat(64)}`, { name: 'a', tag: `sha256:${'0'.repeat(64)}` }],
])('parts %s', (text, parts) => {
  expect(splitReference(text)).toEqual(parts)
})
