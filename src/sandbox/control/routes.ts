import { Router } from 'express';
import type { RequestHandler, Response } from 'express';
import { z } from 'zod';
import { diagramOf, EMPTY_STEPS } from '../conversation/diagram.js';
import type { Login } from '../conversation/conversation.js';
import { invalidParametersOf, sendProblem } from '../http/problems.js';
import { jsonBody } from '../http/requests.js';
import { BEHAVIOURS, PhoneNumber } from '../operator/subscribers.js';
import { resetState } from '../state.js';
import type { SandboxState } from '../state.js';
import { WebhookOptions } from '../verify/webhooks.js';
import { settleAll } from '../verify/workflow.js';
import { FaultsBody } from './faults.js';

const NumberInPath = z.object({ number: PhoneNumber });

const SubscriberBody = z.strictObject({
  behaviour: z.enum(BEHAVIOURS),
  sim: PhoneNumber.nullable().optional(),
});

const TokenBody = z.strictObject({
  expires_in: z.union([z.number(), z.string()]).nullable().optional(),
  token_type: z.string().optional(),
  refresh_token: z.string().optional(),
});

const TemplatesBody = z.strictObject({ enabled: z.boolean() });

/** The value if it is valid; else the answer is a 400 that names every problem. */
const parse = <T>(res: Response, schema: z.ZodType<T>, value: unknown): T | undefined => {
  const { success, data, error } = schema.safeParse(value);
  if (success) return data;
  const invalid_parameters = invalidParametersOf(error);
  sendProblem(res, 'badRequest', { detail: z.prettifyError(error), invalid_parameters });
  return undefined;
};

/** Answers with a value, read when it is asked for. */
const show =
  (read: () => unknown): RequestHandler =>
  (_req, res) =>
    void res.json(read());

/** Applies a valid body and answers with it, or with what `apply` returns. */
const change =
  <T>(schema: z.ZodType<T>, apply: (body: T) => unknown): RequestHandler =>
  (req, res) => {
    const body = parse(res, schema, jsonBody(req));
    if (body !== undefined) res.json(apply(body) ?? body);
  };

const addSubscriberRoutes = ({ subscribers, changes }: SandboxState, router: Router): void => {
  router.get(
    '/subscribers',
    show(() => subscribers.all()),
  );
  router.get('/subscribers/:number', (req, res) => {
    const path = parse(res, NumberInPath, req.params);
    if (path) res.json(subscribers.of(path.number));
  });
  router.put('/subscribers/:number', (req, res) => {
    const path = parse(res, NumberInPath, req.params);
    const subscriber = path && parse(res, SubscriberBody, jsonBody(req));
    if (!subscriber) return;
    subscribers.set(path.number, subscriber);
    changes.emit('subscribers');
    res.json(subscriber);
  });
};

/** Messages that the page receives; more are kept. */
const MAX_SHOWN_MESSAGES = 50;

/** What the page shows, by the name of the event that carries it. */
const VIEWS = {
  messages: ({ messages }: SandboxState) => messages.all().slice(-MAX_SHOWN_MESSAGES),
  subscribers: ({ subscribers }: SandboxState) => subscribers.all(),
  conversation: ({ redirectUri, conversation }: SandboxState) => ({
    /** The origin of the app. */
    app: new URL(redirectUri).origin,
    /** Whether the calls to the server are included. */
    tapped: conversation.includesServer,
    logins: conversation.logins().map(diagramOf),
  }),
  everything: (state: SandboxState): object => ({
    ...VIEWS.conversation(state),
    behaviours: BEHAVIOURS,
    steps: EMPTY_STEPS,
    messages: VIEWS.messages(state),
    subscribers: VIEWS.subscribers(state),
  }),
};

/**
 * Server-sent events with all that the page shows: `everything` first, then `login`, `messages` and `subscribers` as they
 * change.
 */
const streamChanges =
  (state: SandboxState): RequestHandler =>
  (_req, res) => {
    const send = (event: string, data: unknown): void =>
      void res.write(`event: ${event}\ndata: ${JSON.stringify(data)}\n\n`);
    res.writeHead(200, { 'content-type': 'text/event-stream', 'cache-control': 'no-store' });
    send('everything', VIEWS.everything(state));
    const sendLogin = (login: Login): void => send('login', diagramOf(login));
    state.changes.on('login', sendLogin);
    res.once('close', () => state.changes.off('login', sendLogin));
    for (const topic of ['messages', 'subscribers', 'everything'] as const) {
      const sendTopic = (): void => send(topic, VIEWS[topic](state));
      state.changes.on(topic, sendTopic);
      res.once('close', () => state.changes.off(topic, sendTopic));
    }
  };

/** The control API: what was sent, what the numbers do, and what fails. */
export const controlRoutes = (state: SandboxState): Router => {
  const { requests, messages, webhooks, templates, faults } = state;
  const router = Router({ caseSensitive: true, strict: true });
  // The answers show the state as of now.
  router.use((_req, _res, next) => {
    settleAll(state);
    next();
  });
  router.post('/tick', (_req, res) => void res.status(204).end());
  router.get('/requests', (req, res) => {
    const includesDevices = req.query.all === 'true';
    res.json(requests.all().filter(({ from }) => includesDevices || from === 'server'));
  });
  router.get(
    '/messages',
    show(() => messages.all()),
  );
  addSubscriberRoutes(state, router);
  router.get(
    '/webhooks',
    show(() => webhooks.sent()),
  );
  router.put(
    '/webhooks',
    change(WebhookOptions, (options) => webhooks.set(options)),
  );
  router.get(
    '/conversation',
    show(() => VIEWS.conversation(state)),
  );
  router.get('/conversation/stream', streamChanges(state));
  router.put(
    '/token',
    change(TokenBody, (response) => void (state.tokenResponse = response)),
  );
  router.put(
    '/templates',
    change(TemplatesBody, ({ enabled }) => void (templates.enabled = enabled)),
  );
  router.put(
    '/faults',
    change(FaultsBody, (body) => faults.set(body)),
  );
  router.post('/reset', (_req, res) => {
    resetState(state);
    res.status(204).end();
  });
  return router;
};
