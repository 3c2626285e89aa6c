import { withDeadline } from '../../core/clock.ts'
import { unavailable } from '../../core/errors.ts'
import type { DockerClient } from '../../docker-api/index.ts'
import type { CommandContext, CommandGroup, Invocation, RunCommand } from '../command.ts'
import { engineHost } from '../engine/engine-address.ts'
import { openClient } from '../engine/open-client.ts'
import { readOptions } from '../options.ts'
import { hasNames, type NamedKind, readTyped, type TypedWords } from './typed-words.ts'

type Ask = (invocation: Invocation, context: CommandContext) => Promise<readonly string[]>

/** Who knows the names of a kind. Each loads what it needs when it is asked. */
const SOURCES: Readonly<Record<NamedKind, Ask>> = {
  service: async (...asked) => (await compose()).serviceNames(...asked),
  'service=number': async (...asked) => (await (await compose()).serviceNames(...asked)).map(name => `${name}=`),
  profile: async (...asked) => (await compose()).profileNames(...asked),
  project: async (...asked) => (await compose()).projectNames(...asked),
  node: async (invocation, context) => {
    const { withManager } = await import('../commands/swarm/node-api.ts')
    return withManager(invocation, context, async api => (await api.list()).map(({ name }) => name))
  },
  container: ofEngine(async ({ containers }) =>
    (await containers.list({ all: true })).flatMap(({ Names }) => Names.map(name => name.replace(/^\//, ''))),
  ),
  image: ofEngine(async ({ images }) => (await images.list({})).flatMap(({ RepoTags }) => RepoTags ?? [])),
  network: ofEngine(async ({ networks }) => (await networks.list({})).map(({ Name }) => Name)),
  volume: ofEngine(async ({ volumes }) => (await volumes.list({})).map(({ Name }) => Name)),
}

/** A person who waits for a list types the word meanwhile. */
const PATIENCE_MS = 2_000

/** Prints the names that may follow the words of a line. */
export function printNames(root: CommandGroup): RunCommand {
  return async ({ args }, context) => {
    const names = await namesFor(readTyped(args, root), context)
    context.stdout.write(names.map(name => `${name}\n`).join(''))
  }
}

/** Shells put names into lines as they are: in others, which files and servers may hold, something stands that a shell would run. */
const PLAIN = /^\w[\w.@:/=+-]*$/

/** The names that may stand where the line ends. None where nobody can be asked, or not in time. */
async function namesFor({ kind, values }: TypedWords, context: CommandContext): Promise<readonly string[]> {
  if (kind === undefined || !hasNames(kind)) return []
  const ask = SOURCES[kind]
  const globals = readOptions(values)
  const invocation = { command: 'completion', args: [], options: readOptions({}), globals }
  const onTimeout = (): Error => unavailable('NO_NAMES', 'Nobody tells names in time')
  try {
    const names = await withDeadline(signal => ask(invocation, { ...context, signal }), PATIENCE_MS, {
      ...context,
      onTimeout,
    })
    return [...new Set(names)].filter(name => PLAIN.test(name)).sort()
  } catch {
    // The line stays as it is typed: nobody wants to read an error in it.
    return []
  }
}

function compose(): Promise<typeof import('../commands/compose/spec/names.ts')> {
  return import('../commands/compose/spec/names.ts')
}

function ofEngine(list: (client: DockerClient) => Promise<readonly string[]>): Ask {
  return async (invocation, context) => {
    const address = await engineHost(invocation, context)
    const client = openClient({ address, wanted: 'engine' }, invocation, context)
    const close = (): void => client.close()
    context.signal.addEventListener('abort', close, { once: true })
    try {
      return await list(client)
    } finally {
      close()
    }
  }
}
