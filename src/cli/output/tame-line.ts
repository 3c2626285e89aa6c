const ESCAPE = '\u001b'
/** Colours and other looks of text (SGR), which harm nobody; or any sign that a terminal would obey instead of showing it. */
const LOOK_OR_CONTROL = new RegExp(`(${ESCAPE}\\[[\\d;:]*m)|[^\\P{Cc}\\t]`, 'gu')
const RESET = `${ESCAPE}[0m`
const FIRST_OF_HIGH = 0x80

/**
 * A line of a stranger as it may stand beside lines of others: it cannot move the cursor, and so neither hide whose it is nor
 * write lines in another's name. Colours stay, and end with the line; what else a terminal would obey is shown as `cat -v` does.
 */
export function tameLine(line: string): string {
  let hasLook = false
  const tame = line.replace(/\r$/, '').replace(LOOK_OR_CONTROL, (sign: string, look?: string) => {
    if (look === undefined) return shown(sign.charCodeAt(0))
    hasLook = true
    return look
  })
  return hasLook ? tame + RESET : tame
}

function shown(code: number): string {
  if (code < FIRST_OF_HIGH) return `^${String.fromCharCode(code ^ 0x40)}`
  return `M-^${String.fromCharCode(code - 0x40)}`
}
