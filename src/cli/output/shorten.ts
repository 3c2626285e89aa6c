const ID_CHARS = 12

/** The first twelve characters of an id, without the name of its hash. */
export function shortId(id: string): string {
  return id.replace(/^[a-z0-9]+:/, '').slice(0, ID_CHARS)
}

/** A text of at most so many characters, cut with an ellipsis. */
export function ellipsis(text: string, length: number): string {
  const characters = Array.from(text)
  return characters.length <= length ? text : `${characters.slice(0, length - 1).join('')}…`
}

/** `a=1,b=2`, in order. */
export function labelText(labels: Readonly<Record<string, string>> | null | undefined): string {
  return Object.entries(labels ?? {})
    .map(([key, value]) => `${key}=${value}`)
    .toSorted()
    .join(',')
}
