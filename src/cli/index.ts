export type {
  CommandContext,
  CommandDefinition,
  CommandGroup,
  CommandLeaf,
  Environment,
  InputStream,
  Invocation,
  OptionDefinition,
  Options,
  OutputStream,
  RunCommand,
} from './command.ts'
export { printError } from './output/print-error.ts'
export { type Program, runProgram } from './program.ts'
