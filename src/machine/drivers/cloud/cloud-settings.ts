import { badFlag } from '../settings.ts'

/** Throws BAD_FLAG for what clouds refuse as a label (a key and a value of Kubernetes' kind). */
export function checkLabel(flag: string, text: string): void {
  if (/^[a-zA-Z0-9]([a-zA-Z0-9._/-]{0,61}[a-zA-Z0-9])?=([a-zA-Z0-9]([a-zA-Z0-9._-]{0,61}[a-zA-Z0-9])?)?$/.test(text))
    return
  throw badFlag(flag, text, 'expected key=value of letters, digits, dots, dashes and underscores')
}

/** Throws BAD_FLAG for an id that is no number. */
export function checkNumberId(flag: string, text: string): void {
  if (!/^\d{1,15}$/.test(text)) throw badFlag(flag, text, 'expected a number')
}

/** Throws BAD_FLAG for what is no slug: a name as clouds give them to sizes and regions. */
export function checkSlug(flag: string, text: string | undefined): void {
  if (text !== undefined && !/^[a-z0-9][a-z0-9._-]*$/.test(text))
    throw badFlag(flag, text, 'expected a name such as nyc3')
}

/** Throws BAD_FLAG for what is no tag. */
export function checkTag(flag: string, text: string): void {
  if (!/^[a-zA-Z0-9:_-]{1,255}$/.test(text)) {
    throw badFlag(flag, text, 'expected letters, digits, colons, dashes and underscores')
  }
}
