/** Where this host's manager answers root, without certificates. */
export const MANAGER_SOCKET = '/run/shoal/manager.sock'
/** Where this host's agent answers, and where an engine without a cluster does. */
export const OWN_SOCKETS = ['/run/shoal/agent.sock', '/run/shoal/engine.sock'] as const
