import { readFragment } from './fragment.js';
import { change, type Change, type Left, type State } from './state.js';

/** The choice of another language, which loads the page anew. */

/** @param url of the page in that language */
export function chooseLanguage(state: State, url: string): Change {
  const { fragment } = state;
  // Where the redirects leave the code of the device, which is kept nowhere else.
  if (isCodeLeft(state)) return change(state, {}, { do: 'open', url: url + fragment });
  return change(state, {}, { do: 'leave', left: leftOf(state) }, { do: 'open', url });
}

/** Whether the page has a code that the server has not answered to. */
function isCodeLeft({ screen, fragment }: State): boolean {
  if (readFragment(fragment).kind !== 'code') return false;
  if (screen.at === 'wait') return screen.for === 'answer';
  return screen.at === 'failed' && (screen.again === 'verify' || screen.again === 'fragment');
}

/** What the server does not know: the other screens come from its answers. */
function leftOf({ screen, typed, country, number, steps }: State): Left {
  const left = { typed, country, number };
  if (screen.at === 'number') return { ...left, screen };
  if (screen.at !== 'failed') return left;
  return { ...left, steps, screen: { ...screen, sending: undefined, queue: undefined } };
}
