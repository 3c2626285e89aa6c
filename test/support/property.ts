import fc from 'fast-check'

/**
 * Properties are tried on the same cases in every run, so that nobody's change is refused for what another one has broken. For new
 * cases: `SHOAL_PROPERTY_SEED=$RANDOM npm test -- unit`.
 */
fc.configureGlobal({ seed: Number(process.env['SHOAL_PROPERTY_SEED'] ?? 1) })

export { fc }
