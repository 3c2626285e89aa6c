import { expect, it } from 'vitest'
import { ociText } from '../../../../src/runtime/containers/spec/oci-text.ts'

it.each([
  ['a number as it is', 5, '5'],
  ['no limit', Number.POSITIVE_INFINITY, '18446744073709551615'],
  ['the greatest with a sign, which no JavaScript number is', 2 ** 63, '9223372036854775807'],
  ['the greatest without a sign', 2 ** 64, '18446744073709551615'],
  ['a large one in digits', 2 ** 60, '1152921504606846976'],
  ['a large negative one', -(2 ** 60), '-1152921504606846976'],
])('writes %s', (_what, value, text) => {
  expect(ociText({ value, other: 'x', none: undefined })).toBe(`{"value":${text},"other":"x"}`)
})
