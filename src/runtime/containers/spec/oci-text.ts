const INT64_MAX = 2n ** 63n - 1n
const UINT64_MAX = 2n ** 64n - 1n

// Not yet in the compiler's library.
const { rawJSON } = JSON as unknown as { readonly rawJSON: (text: string) => unknown }

/**
 * The JSON of an OCI configuration. Its readers know whole numbers of 64 bits: what became a little greater than the
 * greatest of them, because a JavaScript number cannot be it, is written as that, and Infinity as no limit.
 */
export function ociText(value: object): string {
  return JSON.stringify(value, (_key, field: unknown) =>
    typeof field === 'number' && Math.abs(field) > Number.MAX_SAFE_INTEGER ? rawJSON(wholeNumber(field)) : field,
  )
}

function wholeNumber(value: number): string {
  if (value >= 2 ** 64) return String(UINT64_MAX)
  const whole = BigInt(value)
  return String(whole === INT64_MAX + 1n ? INT64_MAX : whole)
}
