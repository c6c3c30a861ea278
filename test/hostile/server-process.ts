import { resolve } from 'node:path';
import { readConfig } from '../../src/config/config.js';
import { startServer } from '../../src/server.js';
import { heapInUse } from './heap.js';

/** Starts the server as `main.ts` does, and answers each IPC message with the heap in use (MB). */
await startServer(readConfig(process.env), resolve('.'), {});
process.on('message', () => process.send?.(heapInUse()));
