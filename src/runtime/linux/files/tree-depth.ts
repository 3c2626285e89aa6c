/**
 * How many directories may lie in each other in a tree that is packed, copied or compared. Each level costs a descriptor
 * while what is below it is read, and containers and contexts choose how deep theirs are: who walks one refuses more.
 */
export const DEPTH_MAX = 1_024
