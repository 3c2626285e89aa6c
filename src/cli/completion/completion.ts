import type { CommandGroup, CommandLeaf } from '../command.ts'
import { ASK } from './typed-words.ts'

/** `completion bash`: what a shell must know to complete our command lines. */
export function completionCommand(root: CommandGroup): CommandLeaf {
  return {
    name: 'completion',
    summary: 'print what a shell needs to complete command lines',
    args: '<bash|zsh|fish>',
    usage: 'bash|zsh|fish',
    footer: `Put this into ~/.bashrc:  source <(${root.name} completion bash)`,
    load: async () => (await import('./scripts.ts')).printScript(root),
  }
}

/** `__names -- exec -T`: what a shell asks for, names of what may follow the words so far, one a line. */
export function namesCommand(root: CommandGroup): CommandLeaf {
  return {
    name: ASK,
    summary: 'print names for a shell to complete',
    args: '[word...]',
    hidden: true,
    passThrough: true,
    load: async () => (await import('./names.ts')).printNames(root),
  }
}
