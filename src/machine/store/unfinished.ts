import { Type } from 'typebox'
import { Compile } from 'typebox/compile'

const UNFINISHED = Type.Object({
  step: Type.Optional(Type.String()),
  error: Type.Optional(Type.String()),
})
const CHECK = Compile(UNFINISHED)

/** Why a machine is not whole: where its making stopped, and on what. Without an error it goes on, or was ended. */
export type Unfinished = Type.Static<typeof UNFINISHED>

/** Anything that is there says that the making has not come to its end; what cannot be read says no more than that. */
export function parseUnfinished(text: string): Unfinished {
  try {
    const read: unknown = JSON.parse(text)
    return CHECK.Check(read) ? read : {}
  } catch {
    return {}
  }
}
