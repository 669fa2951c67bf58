export { collect } from './collect.js';
export { openInputs } from './inputs.js';
export { makeReport } from './report.js';
export { figuresFolder, writeReport } from './write.js';
