import { randomBytes } from 'node:crypto'

/** The only source of chance. Takes a seed in tests and in the simulator, so that a run can be repeated. */
export interface Random {
  /** A number in [0, 1). */
  readonly next: () => number
  readonly bytes: (count: number) => Buffer
}

export const systemRandom: Random = {
  next: () => randomBytes(4).readUInt32LE() / 0x1_0000_0000,
  bytes: count => randomBytes(count),
}

/** A repeatable generator (xorshift32 behind a mixing step): not for secrets. */
export function seededRandom(seed: number): Random {
  let state = Math.imul(seed ^ 0x9e3779b9, 0x85ebca6b) | 1
  const word = (): number => {
    state ^= state << 13
    state ^= state >>> 17
    state ^= state << 5
    return Math.imul(state, 0x9e3779b1) >>> 0
  }
  return {
    next: () => word() / 0x1_0000_0000,
    bytes: count => Buffer.from(Array.from({ length: count }, () => word() & 0xff)),
  }
}

/** 64 hexadecimal digits, as Docker names containers, images and networks. */
export function newHexId(random: Random): string {
  return random.bytes(32).toString('hex')
}

/** 12 hexadecimal digits: ids of services and tasks, short enough to read out. */
export function newShortId(random: Random): string {
  return random.bytes(6).toString('hex')
}

/** A whole number in [0, count). */
export function pickIndex(random: Random, count: number): number {
  return Math.floor(random.next() * count)
}
