import { rmSync } from 'node:fs';
import './global-setup.ts';

export default async function globalTeardown(): Promise<void> {
  await globalThis.redisOfAllSuites?.stop();
  if (globalThis.folderOfAllSuites) rmSync(globalThis.folderOfAllSuites, { recursive: true });
}
