/** What of Docker's swarm mode is asked for, by the beginning of its path, and what there is here instead. */
const INSTEAD: readonly (readonly [path: RegExp, instead: string])[] = [
  [/^\/nodes/, '`swarm node ls`, `inspect`, `update` and `rm` look after nodes'],
  [/^\/(services|tasks)/, '`compose up`, `ps` and `ls` run services, as a compose file says'],
  [/^\/swarm/, '`swarm manage` and `swarm join` make a cluster, and `swarm token` lets hosts in'],
  [/^\/(secrets|configs)/, 'secrets and configs are those of a compose file, and come with `compose up`'],
]

/** What to say of a path that there is not: Docker's command line asks managers for swarm mode, which this is not. */
export function notFoundMessage(method: string, url: string): string {
  const path = url.replace(/\?.*$/s, '')
  const [, instead] = INSTEAD.find(([pattern]) => pattern.test(path)) ?? []
  return `page not found: ${method} ${url}${instead === undefined ? '' : `; there is no swarm mode here: ${instead}`}`
}
