import { canonicalJson } from '../../core/digest.ts'

/** Below these a difference is named by its key; everything else is named as a whole. */
const OPEN = new Set([
  'container',
  'container.engine',
  'container.environment',
  'container.labels',
  'limits',
  'reservations',
  'restart',
])

/** The paths at which two specs differ, in words of a compose file: `image`, `environment.GREETING`, `limits.memoryBytes`. */
export function differences(before: object, after: object): string[] {
  const paths = walk(before, after, '').map(path => path.replace(/^container\.(?:engine\.)?/, ''))
  // An image that was built anew under its old name is another image.
  return [...new Set(paths.map(path => (path === 'imageId' ? 'image' : path)))]
}

function walk(before: unknown, after: unknown, path: string): string[] {
  if (canonicalJson({ value: before }) === canonicalJson({ value: after })) return []
  if (path !== '' && !OPEN.has(path)) return [path]
  if (!isRecord(before) || !isRecord(after)) return [path]
  const keys = [...new Set([...Object.keys(before), ...Object.keys(after)])].sort()
  return keys.flatMap(key => walk(before[key], after[key], path === '' ? key : `${path}.${key}`))
}

function isRecord(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}
