import { readConfig, ConfigError, type Config } from '../config/config.js';
import { LoginError } from '../core/errors.js';
import { parsePhoneNumber, type PhoneNumber } from '../core/phone-number.js';
import { createNotify } from '../login/hooks.js';
import { loadHooks } from '../server.js';
import { revokeByOperator } from '../session/operator.js';
import { createUserSessions, type UserSession, type UserSessions } from '../session/user-sessions.js';
import { openRedisStore } from '../store/redis.js';
import {
  CommandError,
  defineCommand,
  expectPhoneNumber,
  readSettingsFile,
  SETTINGS_HELP,
  SETTINGS_OPTION,
  UsageError,
  type Terminal,
} from './command.js';

const USAGE = `Usage: silent-auth sessions list|revoke <number> [--settings <file>]
Shows or ends the sessions of a phone number.

  list        lists the sessions: id, login, channels, last use and expiry
  revoke      ends the sessions, and the logins that are under way
  <number>    in E.164, as +447700900000
  ${SETTINGS_HELP}
  --help      shows this

Reads the settings of the server, of which REDIS_URL and SESSION_SECRET have to be the server's own. A revocation calls
the hook onEvent. Exits with 0 when it is done, 2 when it failed or was called wrongly.`;

export const sessions = defineCommand({
  usage: USAGE,
  options: SETTINGS_OPTION,
  async run({ values: { settings }, positionals }, terminal) {
    const { action, phoneNumber } = read(positionals);
    const env = readSettingsFile(settings, terminal.env);
    const { hooks, problems } = await loadHooks(env);
    const config = configOf(env, problems);
    const { world } = terminal;
    const store = await openRedisStore(config.redis, world.log);
    const { sessionSecrets: secrets, maxSessions } = config;
    const userSessions = createUserSessions({ store, secrets, world, maxSessions });
    try {
      await ACTIONS[action](userSessions, phoneNumber, {
        ...terminal,
        notify: createNotify(hooks, world),
      });
      return 0;
    } catch (error) {
      if (error instanceof LoginError) throw new CommandError(error.detail);
      throw error;
    } finally {
      await store.close();
    }
  },
});

type Action = (
  sessions: UserSessions,
  phoneNumber: PhoneNumber,
  terminal: Pick<Terminal, 'out'> & { notify: ReturnType<typeof createNotify> },
) => Promise<void>;

/** Keys depend on the secret, and have another prefix where an app gave its own client of Redis. */
const NONE_HERE = [
  ': the number has none under this SESSION_SECRET. ',
  'An app that gave createSilentAuth its client of Redis has to call endSessions instead.',
].join('');

const ACTIONS = {
  async list(sessions, phoneNumber, { out }) {
    const found = await sessions.list(phoneNumber);
    if (found.length === 0) out(`No sessions${NONE_HERE}`);
    else for (const line of tableOf(found)) out(line);
  },
  async revoke(userSessions, phoneNumber, { out, notify }) {
    const { length } = await revokeByOperator({ userSessions, notify }, phoneNumber);
    out(
      length === 0
        ? `No session ended${NONE_HERE}`
        : `${length} ${length === 1 ? 'session' : 'sessions'} ended.`,
    );
  },
} satisfies Record<string, Action>;

/** @throws UsageError */
function read(positionals: readonly string[]): { action: keyof typeof ACTIONS; phoneNumber: PhoneNumber } {
  const [action, number, ...more] = positionals;
  if ((action !== 'list' && action !== 'revoke') || number === undefined || more.length > 0)
    throw new UsageError('One of list and revoke is wanted, and a phone number.');
  expectPhoneNumber(number);
  const phoneNumber = parsePhoneNumber(number) as PhoneNumber;
  return { action, phoneNumber };
}

/** @throws CommandError for settings with which the server would not start, or without Redis */
function configOf(
  env: Terminal['env'],
  problems: readonly string[],
): Config & { redis: NonNullable<Config['redis']> } {
  try {
    const config = readConfig(env, problems);
    const { redis } = config;
    if (redis === undefined)
      throw new CommandError(
        'REDIS_URL is missing: without it the sessions are in the memory of the server.',
      );
    return { ...config, redis };
  } catch (error) {
    throw error instanceof ConfigError ? new CommandError(error.message) : error;
  }
}

/** Columns as wide as their widest cell. */
function tableOf(sessions: readonly UserSession[]): string[] {
  const time = (ms: number): string => `${new Date(ms).toISOString().slice(0, 19)}Z`;
  const rows = [
    ['id', 'logged in', 'channels', 'last used', 'expires'],
    ...sessions.map(({ id, authenticatedAt, channels, lastUsedAt, expiresAt }) => [
      ...[id, time(authenticatedAt), channels.join('+'), time(lastUsedAt), time(expiresAt)],
    ]),
  ];
  const widths = rows[0]?.map((_, at) => Math.max(...rows.map((row) => row[at]?.length ?? 0))) ?? [];
  return rows.map((row) =>
    row
      .map((cell, at) => cell.padEnd(widths[at] ?? 0))
      .join('  ')
      .trimEnd(),
  );
}
