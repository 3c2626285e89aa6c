/** Tiny programs for Linux on x86, assembled by hand: the test image has no compiler, and none of them is worth one. */

const LOAD_ADDRESS = 0x08048000
const HEADER_BYTES = 52 + 32

/** A 32-bit program that makes one system call and ends with 0 if it succeeded, else with the error's number. */
export function program32(call: number, args: readonly number[]): Buffer {
  const registers = [0xbb, 0xb9, 0xba, 0xbe, 0xbf]
  const loads = args.flatMap((value, index) => [registers[index] ?? 0, ...littleEndian(value)])
  const int80 = [0xcd, 0x80]
  const code = [
    [0xb8, ...littleEndian(call)], // mov eax, call
    loads,
    int80,
    [0x31, 0xdb], // xor ebx, ebx
    [0x85, 0xc0], // test eax, eax
    [0x79, 0x04], // jns over the next two
    [0xf7, 0xd8], // neg eax
    [0x89, 0xc3], // mov ebx, eax
    [0xb8, ...littleEndian(1)], // mov eax, exit
    int80,
  ].flat()
  return Buffer.concat([elf32(code.length), Buffer.from(code)])
}

/** Where {@link data32} lies in memory. */
export const DATA_ADDRESS = LOAD_ADDRESS + 0x200

/** A 32-bit program with words of data at {@link DATA_ADDRESS}, for calls that take a pointer. */
export function program32WithData(call: number, args: readonly number[], data: readonly number[]): Buffer {
  const code = program32(call, args)
  const padded = Buffer.alloc(DATA_ADDRESS - LOAD_ADDRESS + data.length * 4)
  code.copy(padded)
  for (const [index, word] of data.entries()) padded.writeUInt32LE(word, DATA_ADDRESS - LOAD_ADDRESS + index * 4)
  padded.writeUInt32LE(padded.length, 52 + 16)
  padded.writeUInt32LE(padded.length, 52 + 20)
  return padded
}

function elf32(codeBytes: number): Buffer {
  const bytes = Buffer.alloc(HEADER_BYTES)
  bytes.write('\x7fELF\x01\x01\x01', 0, 'latin1')
  bytes.writeUInt16LE(2, 16) // an executable
  bytes.writeUInt16LE(3, 18) // for i386
  bytes.writeUInt32LE(1, 20)
  bytes.writeUInt32LE(LOAD_ADDRESS + HEADER_BYTES, 24)
  bytes.writeUInt32LE(52, 28)
  bytes.writeUInt16LE(52, 40)
  bytes.writeUInt16LE(32, 42)
  bytes.writeUInt16LE(1, 44)
  const segment = [1, 0, LOAD_ADDRESS, LOAD_ADDRESS, HEADER_BYTES + codeBytes, HEADER_BYTES + codeBytes, 5, 0x1000]
  for (const [index, value] of segment.entries()) bytes.writeUInt32LE(value, 52 + index * 4)
  return bytes
}

function littleEndian(value: number): number[] {
  const bytes = Buffer.alloc(4)
  bytes.writeUInt32LE(value >>> 0)
  return [...bytes]
}
