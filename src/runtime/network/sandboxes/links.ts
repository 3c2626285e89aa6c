/** A link as docker writes it: `<name or id>[:alias]`. */
export interface Link {
  /** Name or id of another container. */
  readonly target: string
  /** What this container calls it. */
  readonly alias: string
}

export function parseLink(link: string): Link {
  const [target = '', alias = target] = link.split(':')
  return { target: target.replace(/^\//, ''), alias: alias.split('/').at(-1) ?? alias }
}
