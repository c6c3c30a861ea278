import { resolve } from 'node:path';
import { readConfig } from '../../src/config/config.js';
import { startServer } from '../../src/server.js';
import { heapInUse } from './heap.js';

/**
 * The server in a process of its own, as `main` starts it, which also says how much memory it
 * needs when it is asked.
 */
await startServer(readConfig(process.env), resolve('.'), {});
process.on('message', () => process.send?.(heapInUse()));
