export { runSimulation, type SimRunOptions } from './run-simulation.ts'
export { simulate } from './simulation.ts'
