import { labelMatches } from '../../core/label-matches.ts'
import type { EngineEvent, Filters } from '../../docker-api/index.ts'

/** Filters on what an event is about: each takes an id or a name, or the beginning of one. */
const SUBJECTS = ['daemon', 'container', 'plugin', 'volume', 'network', 'node', 'service', 'secret', 'config']
/** Actions that carry more behind their name; asked for by the name alone, they are meant whatever that is. */
const ACTIONS_WITH_MORE = ['health_status', 'exec_create', 'exec_start']

/**
 * Whether an event passes Docker's filters: every key must be met, by one of its values; of labels every one is wanted.
 * Keys Docker does not know are ignored. Source: behaviour of Docker Engine 20.10 and 28.
 */
export function matchesEvent(event: EngineEvent, filters: Filters): boolean {
  return Object.entries(filters).every(([key, values]) => values.length === 0 || passes(event, key, values))
}

function passes(event: EngineEvent, key: string, values: readonly string[]): boolean {
  const { Type, Action, Actor, scope } = event
  if (SUBJECTS.includes(key)) {
    const { name = '' } = Actor.Attributes
    return values.some(value => Actor.ID.startsWith(value) || name.startsWith(value))
  }
  switch (key) {
    case 'type':
      return values.includes(Type)
    case 'event':
      if (values.some(value => ACTIONS_WITH_MORE.includes(value))) return values.some(value => Action.startsWith(value))
      return values.includes(Action)
    case 'image':
      return namesOfImage(event).some(name => values.includes(name))
    case 'label':
      return values.every(value => labelMatches(Actor.Attributes, value))
    case 'scope':
      return values.includes(scope)
    default:
      return true
  }
}

/** An image by id or name, and a container by its image; both also without the tag. */
function namesOfImage({ Type, Actor }: EngineEvent): string[] {
  const name = Actor.Attributes[Type === 'image' ? 'name' : 'image'] ?? ''
  return [Actor.ID, name, withoutTag(Actor.ID), withoutTag(name)]
}

function withoutTag(name: string): string {
  return name.replace(/(@sha256)?:[^:/]*$/, '')
}
