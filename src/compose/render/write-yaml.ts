import { stringify } from 'yaml'

/** YAML that YAML 1.1 readers understand too: what they would take for booleans or numbers is quoted. */
export function writeYaml(value: unknown): string {
  return stringify(value, {
    compat: 'yaml-1.1',
    aliasDuplicateObjects: false,
    lineWidth: 0,
    defaultStringType: 'PLAIN',
  })
}
