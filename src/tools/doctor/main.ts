import { thisTerminal } from '../terminal.js';
import { runDoctor } from './run.js';
import '../../config/no-debug.js';

process.exitCode = await runDoctor(process.argv.slice(2), thisTerminal());
