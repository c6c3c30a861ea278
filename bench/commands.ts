import type { Contestant, Stage } from './stage.js';

const LOGINS = 20;

/** What Redis is asked for a login: what comes over the wire, and what scripts do inside it. */
export interface Commands {
  sent: number;
  inScripts: number;
  /** How often each, those of scripts in brackets. */
  names: string;
}

/** Watches a few logins one after the other, for MONITOR, unlike INFO, tells who sent a command. */
export async function watchCommands(stage: Stage, { base, db }: Contestant): Promise<Commands> {
  const observer = stage.redis.duplicate();
  const monitor = await observer.monitor();
  const counts = new Map<string, number>();
  const end = 'the end of a bench';
  const seen = new Promise<void>((resolve) => {
    monitor.on('monitor', (_time: string, args: string[], source: string, database: string) => {
      if (args[1] === end) return resolve();
      if (Number(database) !== db) return;
      const name = (args[0] ?? '').toLowerCase();
      const label = source === 'lua' ? `(${name})` : name;
      counts.set(label, (counts.get(label) ?? 0) + 1 / LOGINS);
    });
  });
  await stage.upstream.ask('delay', { ms: 0 });
  await stage.load.ask('run', { base, atOnce: 1, logins: LOGINS });
  await stage.redis.echo(end);
  await seen;
  monitor.disconnect();
  observer.disconnect();
  const sum = (inScripts: boolean): number =>
    [...counts].reduce((all, [name, count]) => all + (name.startsWith('(') === inScripts ? count : 0), 0);
  const names = [...counts].map(([name, count]) => `${round(count)} ${name}`).join(', ');
  return { sent: round(sum(false)), inScripts: round(sum(true)), names };
}

const round = (count: number): number => Math.round(count * 100) / 100;
