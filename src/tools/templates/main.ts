import { thisTerminal } from '../terminal.js';
import { runTemplates } from './run.js';

// The settings of the server, where they are in a file. What is set in the environment already is not overwritten.
try {
  process.loadEnvFile();
} catch (error) {
  const isMissing = error instanceof Error && 'code' in error && error.code === 'ENOENT';
  if (!isMissing) throw error;
}

process.exitCode = await runTemplates(process.argv.slice(2), thisTerminal());
