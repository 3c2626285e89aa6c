export { runSimulation, type SimOutput, type SimRunOptions } from './run-simulation.ts'
export { type SimulationOptions, type SimulationResult, simulate } from './simulation.ts'
