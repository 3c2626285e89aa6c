/** A container that stays until it is removed, and does not make its removal wait. */
export const IDLE = { Image: 'busybox:test', Cmd: ['sleep', '1000'], StopSignal: 'SIGKILL' }
