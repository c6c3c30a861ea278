import '../quiet.js';
import { thisTerminal } from '../terminal.js';
import { runDoctor } from './run.js';

process.exitCode = await runDoctor(process.argv.slice(2), thisTerminal());
