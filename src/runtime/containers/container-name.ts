import { invalidInput } from '../../core/errors.ts'
import { pickIndex, type Random } from '../../core/random.ts'

const FIRST = [
  'amber',
  'bold',
  'brisk',
  'calm',
  'clear',
  'coral',
  'deep',
  'eager',
  'fair',
  'gentle',
  'keen',
  'lively',
  'mellow',
  'nimble',
  'pearly',
  'quiet',
  'silver',
  'swift',
  'tidal',
  'warm',
]
const SECOND = [
  'anchovy',
  'bass',
  'bream',
  'carp',
  'cod',
  'dolphin',
  'eel',
  'gannet',
  'grouper',
  'heron',
  'herring',
  'mackerel',
  'marlin',
  'minnow',
  'mullet',
  'otter',
  'perch',
  'petrel',
  'pike',
  'puffin',
  'salmon',
  'sardine',
  'seal',
  'sole',
  'tern',
  'trout',
  'tuna',
  'turbot',
  'whale',
  'wrasse',
]

const NAME = /^[a-zA-Z0-9][a-zA-Z0-9_.-]+$/
const TRIES = 10

/** Checks a name somebody chose; a leading slash is dropped. Throws docker's 400. */
export function checkContainerName(text: string): string {
  const name = text.startsWith('/') ? text.slice(1) : text
  if (NAME.test(name)) return name
  throw invalidInput(
    'BAD_CONTAINER_NAME',
    `Invalid container name (${text}), only [a-zA-Z0-9][a-zA-Z0-9_.-] are allowed`,
  )
}

/** A name for a container that was not given one. */
export function inventContainerName(random: Random, isTaken: (name: string) => boolean): string {
  for (let attempt = 0; attempt < TRIES; attempt++) {
    const name = `${FIRST[pickIndex(random, FIRST.length)]}_${SECOND[pickIndex(random, SECOND.length)]}`
    const tried = attempt < TRIES / 2 ? name : `${name}${pickIndex(random, 1_000)}`
    if (!isTaken(tried)) return tried
  }
  return `container_${random.bytes(6).toString('hex')}`
}
