import type { EventBus } from './events/index.ts'

/** What of an engine may change while it serves. */
export interface LiveSettings {
  readonly labels: readonly string[]
  readonly insecureRegistries: readonly string[]
  readonly registryMirrors: readonly string[]
  /** It logs everything, and says so. */
  readonly debug?: boolean
}

export interface ChangingSettings {
  readonly get: () => LiveSettings
  /** Takes changed settings over, and tells of it: `daemon reload`. */
  readonly reload: (settings: LiveSettings) => void
}

export function changingSettings(
  first: LiveSettings,
  { events, id, name }: { readonly events: EventBus; readonly id: string; readonly name: string },
): ChangingSettings {
  let now = first
  return {
    get: () => now,
    reload(settings) {
      now = settings
      events.emit('daemon', 'reload', { ID: id, Attributes: attributesOf(name, settings) })
    },
  }
}

/** Settings as Docker's event tells them. */
function attributesOf(name: string, settings: LiveSettings): Readonly<Record<string, string>> {
  return {
    name,
    debug: String(settings.debug === true),
    labels: JSON.stringify(settings.labels),
    'insecure-registries': JSON.stringify(settings.insecureRegistries),
    'registry-mirrors': JSON.stringify(settings.registryMirrors),
    'live-restore': 'true',
  }
}
