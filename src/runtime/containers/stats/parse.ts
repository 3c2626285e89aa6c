/** The number that a file of the kernel holds; undefined for `max`, and if there is no file. */
export function numberIn(text: string | undefined): number | undefined {
  const trimmed = text?.trim() ?? ''
  return /^\d+$/.test(trimmed) ? Number(trimmed) : undefined
}

/** Lines of a name and a number. */
export function numbersByName(text: string | undefined): Record<string, number> {
  const lines = (text ?? '').split('\n').map(line => line.split(' '))
  return Object.fromEntries(
    lines.flatMap(([name = '', value = '']) => (/^\d+$/.test(value) ? [[name, Number(value)]] : [])),
  )
}
