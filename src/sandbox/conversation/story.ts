import type { Asked, Call } from './call.js';
import { APP_ROWS } from './story-of-app.js';
import { MESSAGE_ROWS } from './story-of-messages.js';
import { SESSION_ROWS } from './story-of-session.js';
import { VERIFY_ROWS } from './story-of-verify.js';
import { VONAGE_ROWS } from './story-of-vonage.js';
import { bad } from './words.js';
import type { Known, Row, Words } from './words.js';

const ROWS: readonly Row[] = [...APP_ROWS, ...SESSION_ROWS, ...VONAGE_ROWS, ...VERIFY_ROWS, ...MESSAGE_ROWS];

/** How this call is told; undefined for one that has nothing to do with a login. */
export const rowOf = (asked: Asked): Row | undefined => {
  // Made of what a stranger wrote into the request line and `Host`.
  if (!URL.canParse(asked.url)) return undefined;
  const { pathname } = new URL(asked.url);
  return ROWS.find(
    ({ method, path, when }) => method === asked.method && path.test(pathname) && (when?.(asked) ?? true),
  );
};

export const saysOf = ({ says }: Row, call: Call): string => (typeof says === 'string' ? says : says(call));

/** What came back, in words; undefined while nothing has. */
export const heardOf = (row: Row, { broken, ...call }: Call, known: Known): Words | undefined => {
  if (broken) return bad('The connection broke before there was an answer.');
  return call.answered ? row.hears?.({ ...call, answered: call.answered, ...known }) : undefined;
};
