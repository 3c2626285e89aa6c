import type { ContainerRecord } from '../record.ts'

/**
 * What a container's log options attach to every line of its log, as `details=1` shows it: labels and environment variables
 * chosen by name or by pattern, and the tag. In the form of a query, sorted by name. Source: Docker Engine API, logs.
 */
export function logDetails({
  config,
  host,
  ...record
}: Pick<ContainerRecord, 'id' | 'name' | 'config' | 'host' | 'imageId' | 'imageName'>): string {
  const options = host.LogConfig?.Config ?? {}
  const environment = Object.fromEntries((config.Env ?? []).map(splitVariable))
  const attributes = {
    ...choose(config.Labels ?? {}, options['labels'], options['labels-regex']),
    ...choose(environment, options['env'], options['env-regex']),
    ...(options['tag'] ? { tag: fillTag(options['tag'], record) } : {}),
  }
  return Object.entries(attributes)
    .toSorted(([a], [b]) => (a < b ? -1 : 1))
    .map(([key, value]) => `${queryText(key)}=${queryText(value)}`)
    .join(',')
}

function splitVariable(variable: string): [string, string] {
  const equals = variable.indexOf('=')
  return equals < 0 ? [variable, ''] : [variable.slice(0, equals), variable.slice(equals + 1)]
}

function choose(
  values: Readonly<Record<string, string>>,
  names: string | undefined,
  pattern: string | undefined,
): Record<string, string> {
  const wanted = new Set((names ?? '').split(','))
  const matching = pattern === undefined || pattern === '' ? undefined : new RegExp(pattern)
  return Object.fromEntries(Object.entries(values).filter(([key]) => wanted.has(key) || matching?.test(key) === true))
}

const SHORT_ID_CHARS = 12

/** Fills in Docker's `{{.Name}}` and its like; what is not one of them stays as it is. */
function fillTag(
  template: string,
  { id, name, imageId, imageName }: Pick<ContainerRecord, 'id' | 'name' | 'imageId' | 'imageName'>,
): string {
  const plainImageId = imageId.replace(/^sha256:/, '')
  const fields: Readonly<Record<string, string>> = {
    ID: id.slice(0, SHORT_ID_CHARS),
    FullID: id,
    Name: name,
    ImageID: plainImageId.slice(0, SHORT_ID_CHARS),
    ImageFullID: imageId,
    ImageName: imageName,
    DaemonName: 'docker',
  }
  return template.replaceAll(/\{\{\s*\.(\w+)\s*\}\}/g, (whole, field: string) => fields[field] ?? whole)
}

/** As a form is sent: a space is a plus. */
function queryText(text: string): string {
  return new URLSearchParams({ '': text }).toString().slice(1)
}
