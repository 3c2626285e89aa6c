import { variablesOf } from '../interpolate/template.ts'
import type { ParsedFile } from '../load-files.ts'
import { isList, isTree } from '../tree.ts'

/** A variable that the files name, and what happens when it is not set. */
export interface VariableUse {
  readonly name: string
  readonly defaultValue: string
  readonly presenceValue: string
  readonly required: boolean
}

/** Every variable that the files use, by name; the first use that says something about the default wins. */
export function listVariables(files: readonly ParsedFile[]): readonly VariableUse[] {
  const uses = new Map<string, VariableUse>()
  const visit = (value: unknown): void => {
    if (isTree(value)) Object.values(value).forEach(visit)
    else if (isList(value)) value.forEach(visit)
    else if (typeof value === 'string' && value.includes('$')) {
      for (const { name, operator, operand } of variablesOf(value)) {
        const before = uses.get(name)
        uses.set(name, {
          name,
          defaultValue: before?.defaultValue || (operator.endsWith('-') ? operand : ''),
          presenceValue: before?.presenceValue || (operator.endsWith('+') ? operand : ''),
          required: before?.required === true || operator.endsWith('?'),
        })
      }
    }
  }
  for (const { documents } of files) for (const document of documents) visit(document.value)
  return [...uses.values()].sort((a, b) => (a.name < b.name ? -1 : 1))
}
