import type { Contestant, Environment } from './environment.js';

const LOGINS = 20;

/** Redis commands per login. */
export interface Commands {
  /** Sent by the server. */
  sent: number;
  /** Run by scripts inside Redis. */
  inScripts: number;
  /** Each command with its count; commands of scripts are in brackets. */
  names: string;
}

/**
 * Counts the commands of some sequential logins with MONITOR, which shows the sender of a
 * command.
 */
export async function watchCommands(environment: Environment, { base, db }: Contestant): Promise<Commands> {
  const observer = environment.redis.duplicate();
  const monitor = await observer.monitor();
  const counts = new Map<string, number>();
  const end = 'end of the counted logins';
  const finished = new Promise<void>((resolve) => {
    monitor.on('monitor', (_time: string, args: string[], source: string, database: string) => {
      if (args[1] === end) return resolve();
      if (Number(database) !== db) return;
      const name = (args[0] ?? '').toLowerCase();
      const label = source === 'lua' ? `(${name})` : name;
      counts.set(label, (counts.get(label) ?? 0) + 1 / LOGINS);
    });
  });
  await environment.upstream.ask('delay', { ms: 0 });
  await environment.load.ask('run', { base, atOnce: 1, logins: LOGINS });
  await environment.redis.echo(end);
  await finished;
  monitor.disconnect();
  observer.disconnect();
  const sum = (inScripts: boolean): number =>
    [...counts].reduce((all, [name, count]) => all + (name.startsWith('(') === inScripts ? count : 0), 0);
  const names = [...counts].map(([name, count]) => `${round(count)} ${name}`).join(', ');
  return { sent: round(sum(false)), inScripts: round(sum(true)), names };
}

const round = (count: number): number => Math.round(count * 100) / 100;
