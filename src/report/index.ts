export { collect } from './collect.js';
export { makeReport } from './report.js';
export { openRuns } from './runs.js';
export { figuresFolder, writeReport } from './write.js';
