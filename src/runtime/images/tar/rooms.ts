/** Memory in pieces of one size that are used again: new memory for each would be much garbage. */
export class Rooms {
  readonly #bytes: number
  readonly #free: Buffer[] = []
  readonly #lent = new WeakMap<ArrayBufferLike, Buffer>()

  constructor(bytes: number) {
    this.#bytes = bytes
  }

  take(): Buffer {
    const room = this.#free.pop() ?? Buffer.allocUnsafeSlow(this.#bytes)
    this.#lent.set(room.buffer, room)
    return room
  }

  /** Whoever took a room, or has a part of it, is done with it. What is none, or is back already, is passed over. */
  giveBack(part: Buffer): void {
    const room = this.#lent.get(part.buffer)
    if (room === undefined) return
    this.#lent.delete(part.buffer)
    this.#free.push(room)
  }
}
