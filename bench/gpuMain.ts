/** `npm run bench:gpu`. */
import { main } from './gpu.js';

await main(process.argv.slice(2));
