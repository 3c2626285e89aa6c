const VERBS =
  'json|logs|start|stop|restart|kill|pause|unpause|wait|rename|update|top|stats|changes|export|archive|resize|copy|attach|attach/ws|exec'
const PATH = new RegExp(`^(.+?)(?:/(${VERBS}))?$`)

/** Takes `n1/web-1/logs` apart: a container may be named with its node, so the verb is what is known of the end. */
export function parseContainerPath(rest: string): { readonly reference: string; readonly verb: string } {
  const [, reference = rest, verb = ''] = PATH.exec(rest) ?? []
  return { reference, verb }
}

/** The path to ask a node for, with the container's full id; version and query stay as the client wrote them. */
export function nodePath(originalUrl: string, id: string, verb: string): string {
  const query = originalUrl.indexOf('?')
  const version = /^\/v\d+\.\d+(?=\/)/.exec(originalUrl)?.[0] ?? ''
  return `${version}/containers/${id}${verb === '' ? '' : `/${verb}`}${query < 0 ? '' : originalUrl.slice(query)}`
}
