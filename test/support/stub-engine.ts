import { unsupported } from '../../src/core/errors.ts'
import type { Engine } from '../../src/docker-api/index.ts'

type Partially<T> = { readonly [K in keyof T]?: T[K] extends (...args: never[]) => unknown ? T[K] : Partial<T[K]> }

const NOTHING: Readonly<Record<string, () => Promise<readonly never[]>>> = {
  'containers.list': async () => [],
  'images.list': async () => [],
}

/** An engine with only the operations that a test gives; any other one throws. Unless it says otherwise nothing is on it, and nothing happens. */
export function stubEngine(given: Partially<Engine>): Engine {
  const refuse = (name: string) => () => {
    throw unsupported('NOT_STUBBED', `The test's engine has no ${name}`)
  }
  const group = (name: string, operations: object = {}): object =>
    new Proxy(operations, {
      get: (target, key) =>
        (Reflect.get(target, key) as unknown) ?? NOTHING[`${name}.${String(key)}`] ?? refuse(`${name}.${String(key)}`),
    })
  const groups = ['containers', 'exec', 'images', 'networks', 'volumes'] as const
  return {
    info: refuse('info'),
    version: refuse('version'),
    events: (_options, signal) => silence(signal),
    ...given,
    ...Object.fromEntries(groups.map(name => [name, group(name, given[name])])),
  } as Engine
}

function silence(signal: AbortSignal): AsyncIterable<never> {
  const end = new Promise<IteratorResult<never>>(resolve => {
    signal.addEventListener('abort', () => resolve({ done: true, value: undefined }), { once: true })
  })
  return { [Symbol.asyncIterator]: () => ({ next: () => end }) }
}
