import { Document, visit } from 'yaml'

const OPTIONS = { compat: 'yaml-1.1', aliasDuplicateObjects: false } as const

/** YAML that YAML 1.1 readers understand too: what they would take for booleans or numbers, and tabs, are quoted. */
export function writeYaml(value: unknown): string {
  const document = new Document(value, OPTIONS)
  if (/[^\\]\\t/.test(JSON.stringify(value) ?? '')) visit(document, { Scalar: (_key, node) => quoteTabs(node) })
  return document.toString({ lineWidth: 0, defaultStringType: 'PLAIN' })
}

function quoteTabs(node: { readonly value: unknown; type?: unknown }): void {
  if (typeof node.value === 'string' && /^[^\n]*\t[^\n]*$/.test(node.value)) node.type = 'QUOTE_DOUBLE'
}
