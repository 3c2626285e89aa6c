import type { CommandContext, Options, OutputStream } from '../command.ts'

/** Puts a text into the colour with the given index; the identity where colours are off. */
export type Paint = (index: number, text: string) => string

/** Cyan, yellow, green, magenta, blue, then the same ones bright. */
const CODES = ['36', '33', '32', '35', '34', '36;1', '33;1', '32;1', '35;1', '34;1']

/** Colours if `--ansi always`, or on a terminal unless NO_COLOR, `--ansi never` or `--no-color` say otherwise. */
export function createPaint(
  stream: OutputStream,
  { env }: Pick<CommandContext, 'env'>,
  { globals, options }: { readonly globals: Options; readonly options: Options },
): Paint {
  const when = globals.text('ansi') ?? env['COMPOSE_ANSI'] ?? 'auto'
  const off = when === 'never' || options.choice('color') === false || (env['NO_COLOR'] ?? '') !== ''
  const on = when === 'always' || (!off && stream.isTTY === true)
  if (!on || options.choice('color') === false) return (_index, text) => text
  return (index, text) => `\u001b[${CODES[index % CODES.length] ?? '0'}m${text}\u001b[0m`
}
