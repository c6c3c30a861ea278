import { readPublicUrl } from '../../config/config.js';
import { readVonage } from '../../config/vonage.js';
import { createReader, type Env } from '../../config/reader.js';
import { LoginError } from '../../core/errors.js';
import type { World } from '../../core/world.js';
import { createTemplates, type Templates } from './api.js';
import { createTransport } from '../../http/transport.js';
import { createAppToken } from '../../vonage/tokens.js';
import {
  CommandError,
  defineCommand,
  listOf,
  readSettingsFile,
  SETTINGS_HELP,
  SETTINGS_OPTION,
  UsageError,
} from '../command.js';
import { ACTIONS } from './actions.js';
import { advise } from './advice.js';

const USAGE = `Usage: silent-auth templates plan|apply|pull [--file <file>] [--prune] [--check] [--settings <file>]
Makes the message templates of the Vonage account match a file.

  plan        shows what apply would change, and changes nothing
  apply       changes the account to what the file says
  pull        writes the file from what is in the account
  --file      the file, templates.json by default
  --prune     for plan and apply: removes what is not in the file
  --check     for plan: exits with 1 where there is something to change
  ${SETTINGS_HELP}
  --help      shows this

Reads VONAGE_APPLICATION_ID, VONAGE_PRIVATE_KEY, VONAGE_VERIFY_HOST, VONAGE_BASE_URL and those of an outgoing proxy, and
PUBLIC_URL for texts with its host. Exits with 0 when it is done, 1 as --check says, 2 when it failed or was called wrongly.`;

type ActionName = keyof typeof ACTIONS;

/**
 * An option that an action does not have is refused: `apply --check` would change what was to be
 * checked.
 */
const ACTION_OPTIONS: Record<ActionName, readonly string[]> = {
  plan: ['file', 'prune', 'check'],
  apply: ['file', 'prune'],
  pull: ['file'],
};

export const templates = defineCommand({
  usage: USAGE,
  options: {
    ...SETTINGS_OPTION,
    file: { type: 'string' },
    prune: { type: 'boolean' },
    check: { type: 'boolean' },
  },
  async run({ values: { settings, ...given }, positionals }, { env, world, out, err }) {
    const action = actionOf(positionals, Object.keys(given));
    const { host, pageHost, templates: account } = connectTemplates(readSettingsFile(settings, env), world);
    const options = { file: 'templates.json', prune: false, check: false, ...given, pageHost };
    try {
      return await ACTIONS[action](account, options, { out, err });
    } catch (error) {
      if (error instanceof LoginError) throw new CommandError(advise(error, host));
      throw error;
    }
  },
});

/** @throws UsageError */
function actionOf([name, ...more]: readonly string[], given: readonly string[]): ActionName {
  if (!isAction(name) || more.length > 0)
    throw new UsageError('One of plan, apply and pull is wanted, and nothing else.');
  const odd = given.find((option) => !ACTION_OPTIONS[name].includes(option));
  if (odd !== undefined) throw new UsageError(`${name} has no option --${odd}.`);
  return name;
}

const isAction = (text: string | undefined): text is ActionName =>
  text !== undefined && Object.hasOwn(ACTIONS, text);

interface Account {
  /** The host of Vonage. */
  host: string;
  /** The host of PUBLIC_URL, if that is set. */
  pageHost: string | undefined;
  templates: Templates;
}

/**
 * The templates of the account that the settings name.
 * @throws CommandError naming all that is wrong with them
 */
export function connectTemplates(env: Env, world: World): Account {
  const reader = createReader(env);
  const { applicationId, privateKey, verifyHost, proxy } = readVonage(reader);
  const publicUrl = reader.get('PUBLIC_URL') && readPublicUrl(reader, 0);
  const { problems } = reader;
  if (privateKey === undefined || problems.length > 0)
    throw new CommandError(listOf('The settings cannot be used:', problems));
  const templates = createTemplates({
    transport: createTransport(proxy),
    appToken: createAppToken(applicationId, privateKey, world),
    verifyHost,
    // One id for all calls, by which Vonage finds them in its log.
    requestId: world.random(16).toString('hex'),
  });
  return { host: verifyHost, pageHost: publicUrl && new URL(publicUrl).hostname, templates };
}
