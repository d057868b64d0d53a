/** What `--version` says of us. */

/** Put in by the build: the revision that it was made from. */
declare const GANTRY_COMMIT: string | undefined

/** The same as package.json's. */
export const version = '0.1.0'

/** The release of the OCI runtime specification that we follow. */
export const specVersion = '1.3.0'

/** Empty where the build did not know. */
export const commit = typeof GANTRY_COMMIT === 'string' ? GANTRY_COMMIT : ''
