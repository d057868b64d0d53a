/** What `import 'gantry'` gives. */
export { version } from './version.js'
