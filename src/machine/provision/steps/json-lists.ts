/** One element of a list, or one member of an object, in a text of JSON: from its first sign to behind its last one. */
interface Item {
  /** Of a member. */
  readonly key?: string
  readonly from: number
  /** Where the value begins. */
  readonly at: number
  readonly to: number
}

const STRING = /"(?:[^"\\]|\\.)*"/y
const PLAIN = /[^\s,\]}]+/y

/**
 * Adds words to the list that an object has under a key, and leaves every other sign of its text as it is. `text` is a valid JSON
 * object; what stands under the key is a list, or nothing.
 */
export function addToList(text: string, key: string, words: readonly string[]): string {
  if (words.length === 0) return text
  const members = itemsOf(text, startOf(text))
  const member = members.findLast(each => each.key === key)
  const quoted = words.map(word => JSON.stringify(word))
  if (member === undefined)
    return insert(text, startOf(text), members, [`${JSON.stringify(key)}: [${quoted.join(', ')}]`])
  return insert(text, member.at, itemsOf(text, member.at), quoted)
}

/** Takes words out of such a list again; one that is empty then goes as a whole. */
export function takeFromList(text: string, key: string, words: readonly string[]): string {
  return words.reduce((before, word) => takeOne(before, key, word), text)
}

function takeOne(text: string, key: string, word: string): string {
  const members = itemsOf(text, startOf(text))
  const member = members.findLast(each => each.key === key)
  if (member === undefined || text[member.at] !== '[') return text
  const items = itemsOf(text, member.at)
  const item = items.find(({ at, to }) => text[at] === '"' && JSON.parse(text.slice(at, to)) === word)
  if (item === undefined) return text
  return items.length === 1 ? cut(text, startOf(text), members, member) : cut(text, member.at, items, item)
}

function startOf(text: string): number {
  return text.indexOf('{')
}

/** Behind what is there already, spaced as that is. `open`: where the list or object begins. */
function insert(text: string, open: number, items: readonly Item[], added: readonly string[]): string {
  const last = items.at(-1)
  const isObject = text[open] === '{'
  if (last === undefined) {
    const close = text.indexOf(isObject ? '}' : ']', open)
    const inside = isObject ? `\n  ${added.join(',\n  ')}\n` : added.join(', ')
    return text.slice(0, open + 1) + inside + text.slice(close)
  }
  const space = /\s*$/.exec(text.slice(0, last.from))?.[0] ?? ''
  const between = items.length === 1 && space === '' ? ' ' : space
  return text.slice(0, last.to) + added.map(each => `,${between}${each}`).join('') + text.slice(last.to)
}

/** With the comma before it, or behind it where it is the first; with all space where it is the only one. */
function cut(text: string, open: number, items: readonly Item[], item: Item): string {
  const index = items.indexOf(item)
  const [before, after] = [items[index - 1], items[index + 1]]
  if (before !== undefined) return text.slice(0, before.to) + text.slice(item.to)
  if (after !== undefined) return text.slice(0, item.from) + text.slice(after.from)
  return text.slice(0, open + 1) + text.slice(text.indexOf(text[open] === '{' ? '}' : ']', item.to))
}

function itemsOf(text: string, open: number): Item[] {
  const items: Item[] = []
  for (let place = skip(text, open + 1); place < text.length && !isEnd(text, place); ) {
    const item = readItem(text, place, text[open] === '{')
    items.push(item)
    place = skip(text, item.to)
    if (text[place] === ',') place = skip(text, place + 1)
  }
  return items
}

function readItem(text: string, from: number, isMember: boolean): Item {
  if (!isMember) return { from, at: from, to: endOf(text, from) }
  const keyEnd = match(STRING, text, from)
  const at = skip(text, skip(text, keyEnd) + 1)
  return { key: JSON.parse(text.slice(from, keyEnd)) as string, from, at, to: endOf(text, at) }
}

/** Behind the value that begins at `at`. */
function endOf(text: string, at: number): number {
  const sign = text[at]
  if (sign === '"') return match(STRING, text, at)
  if (sign !== '{' && sign !== '[') return match(PLAIN, text, at)
  const last = itemsOf(text, at).at(-1)
  return skip(text, last?.to ?? at + 1) + 1
}

function isEnd(text: string, place: number): boolean {
  return text[place] === '}' || text[place] === ']'
}

function skip(text: string, place: number): number {
  return match(/\s*/y, text, place)
}

/** Behind what the pattern matches at a place; never before that. */
function match(pattern: RegExp, text: string, place: number): number {
  const from = new RegExp(pattern)
  from.lastIndex = place
  return from.test(text) ? from.lastIndex : place + 1
}
