import type { Router } from 'express';
import { STEPS_TO_COME, tell } from './conversation/telling.js';
import { whenOver } from './later.js';
import type { Stage } from './state.js';
import { BEHAVIOURS } from './subscribers.js';

/** Messages a page is told of; more are kept. */
const MOST_MESSAGES = 50;

const conversation = ({ state, redirectUri }: Stage) => ({
  /** Where the app is. */
  app: new URL(redirectUri).origin,
  /** Whether what app and device say to the server is heard, too. */
  tapped: state.conversation.isTapped,
  logins: state.conversation.logins().map(tell),
});

const messages = ({ state }: Stage) => state.ledger.messages.all().slice(-MOST_MESSAGES);

const subscribers = ({ state }: Stage) => state.subscribers.all();

const everything = (stage: Stage) => ({
  ...conversation(stage),
  behaviours: BEHAVIOURS,
  steps: STEPS_TO_COME,
  messages: messages(stage),
  subscribers: subscribers(stage),
});

/** What a page shows, by the name of the event that brings it. */
const VIEWS = { messages, subscribers, everything };

/**
 * `GET /conversation`: the logins that were overheard, newest first. `GET /conversation/stream`: the same and all else that
 * the page shows, as server-sent events: `everything` first, then `login`, `messages` and `subscribers` as they change.
 */
export const conversationRoutes = (stage: Stage, router: Router): void => {
  router.get('/conversation', (_req, res) => void res.json(conversation(stage)));
  router.get('/conversation/stream', (_req, res) => {
    const send = (event: string, data: unknown): void =>
      void res.write(`event: ${event}\ndata: ${JSON.stringify(data)}\n\n`);
    res.writeHead(200, { 'content-type': 'text/event-stream', 'cache-control': 'no-store' });
    send('everything', everything(stage));
    const stop = stage.state.news.listen((item) =>
      send(item.topic, item.topic === 'login' ? tell(item.login) : VIEWS[item.topic](stage)),
    );
    whenOver(res, stop);
  });
};
