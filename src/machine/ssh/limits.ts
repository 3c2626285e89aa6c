/** Of commands at once on one connection. OpenSSH's MaxSessions is 10; two are left to others who share it. */
export const COMMANDS_AT_ONCE_MAX = 8
/** After this long without an answer a host is asked whether it is there. */
export const KEEPALIVE_S = 10
/** A host that leaves so many such questions unanswered counts as gone. */
export const KEEPALIVES_MAX = 2
