/** Indents JSON as its text stands, so that numbers and escapes stay as the engine wrote them; as Go's json.Indent. */
export function indentJson(text: string, indent = '    '): string {
  let out = ''
  let depth = 0
  for (const [token] of text.matchAll(/"(?:[^"\\]|\\.)*"|[{}[\],:]|[^\s"{}[\],:]+/g)) {
    const last = out.at(-1) ?? ''
    const opens = last === '{' || last === '['
    if (token === '}' || token === ']') {
      depth--
      out += opens ? token : newLine(depth, indent) + token
      continue
    }
    if (opens) out += newLine(depth, indent)
    if (token === ',') out += `,${newLine(depth, indent)}`
    else if (token === ':') out += ': '
    else out += token
    if (token === '{' || token === '[') depth++
  }
  return out
}

function newLine(depth: number, indent: string): string {
  return `\n${indent.repeat(depth)}`
}
