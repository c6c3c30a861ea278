import { Router } from 'express';
import { z } from 'zod';
import { ClientRegistration } from '../camara/operator.js';
import type { Login } from '../conversation/conversation.js';
import { diagramOf, EMPTY_STEPS } from '../conversation/diagram.js';
import { invalidParametersOf, Problem } from '../http/problems.js';
import { jsonBody, onClose } from '../http/requests.js';
import { FaultsBody } from '../state/faults.js';
import { resetState, TokenResponse, type SandboxState, type Handler } from '../state/state.js';
import { BEHAVIOURS, PhoneNumber, Subscriber } from '../state/subscribers.js';
import { WebhookOptions } from '../state/webhooks.js';
import { expireAllSteps } from '../verify/workflow.js';

const NumberInPath = z.object({ number: PhoneNumber });

const TemplatesBody = z.strictObject({ enabled: z.boolean() });

const parse = <T>(schema: z.ZodType<T>, value: unknown): T => {
  const { success, data, error } = schema.safeParse(value);
  if (success) return data;
  const invalid_parameters = invalidParametersOf(error);
  throw new Problem('badRequest', { detail: z.prettifyError(error), invalid_parameters });
};

const addSubscriberRoutes = ({ subscribers, changes }: SandboxState, router: Router): void => {
  router.get('/subscribers', (_req, res) => void res.json(subscribers.all()));
  router.get('/subscribers/:number', (req, res) => {
    res.json(subscribers.of(parse(NumberInPath, req.params).number));
  });
  router.put('/subscribers/:number', (req, res) => {
    const { number } = parse(NumberInPath, req.params);
    const subscriber = parse(Subscriber, jsonBody(req));
    subscribers.set(number, subscriber);
    changes.emit('subscribers');
    res.json(subscriber);
  });
};

const MAX_SHOWN_MESSAGES = 50;

/** The page's data, by the name of the event that carries it. */
const VIEWS = {
  messages: ({ messages }: SandboxState) => messages.all().slice(-MAX_SHOWN_MESSAGES),
  subscribers: ({ subscribers }: SandboxState) => subscribers.all(),
  conversation: ({ redirectUri, conversation }: SandboxState) => ({
    app: new URL(redirectUri).origin,
    tapped: conversation.includesServer,
    logins: conversation.logins.map(diagramOf),
  }),
  everything: (state: SandboxState): object => ({
    ...VIEWS.conversation(state),
    behaviours: BEHAVIOURS,
    steps: EMPTY_STEPS,
    messages: VIEWS.messages(state),
    subscribers: VIEWS.subscribers(state),
  }),
};

/** Sends `everything` first, then an event for each change. */
const streamChanges: Handler = (state) => (_req, res) => {
  const send = (event: string, data: unknown): void =>
    void res.write(`event: ${event}\ndata: ${JSON.stringify(data)}\n\n`);
  res.writeHead(200, { 'content-type': 'text/event-stream', 'cache-control': 'no-store' });
  send('everything', VIEWS.everything(state));
  const sendLogin = (login: Login): void => send('login', diagramOf(login));
  state.changes.on('login', sendLogin);
  onClose(res, () => state.changes.off('login', sendLogin));
  for (const topic of ['messages', 'subscribers', 'everything'] as const) {
    const sendTopic = (): void => send(topic, VIEWS[topic](state));
    state.changes.on(topic, sendTopic);
    onClose(res, () => state.changes.off(topic, sendTopic));
  }
};

export const controlRoutes = (state: SandboxState): Router => {
  const { requests, messages, webhooks, templates, faults } = state;
  const router = Router({ caseSensitive: true, strict: true });
  // Answers show the state as of now.
  router.use((_req, _res, next) => {
    expireAllSteps(state);
    next();
  });
  router.post('/tick', (_req, res) => void res.status(204).end());
  router.get('/requests', (req, res) => {
    const includesDevices = req.query.all === 'true';
    res.json(requests.all().filter(({ from }) => includesDevices || from === 'server'));
  });
  router.get('/messages', (_req, res) => void res.json(messages.all()));
  addSubscriberRoutes(state, router);
  router.get('/webhooks', (_req, res) => void res.json(webhooks.sent.all()));
  router.get('/conversation', (_req, res) => void res.json(VIEWS.conversation(state)));
  router.get('/conversation/stream', streamChanges(state));
  /** Applies a valid body, and answers with the result of `apply`, or with the body. */
  const put = <T>(path: string, schema: z.ZodType<T>, apply: (body: T) => unknown) =>
    router.put(path, (req, res) => {
      const body = parse(schema, jsonBody(req));
      res.json(apply(body) ?? body);
    });
  put('/webhooks', WebhookOptions, (options) => webhooks.set(options));
  put('/token', TokenResponse, (response) => void (state.tokenResponse = response));
  put('/camara/client', ClientRegistration, (registration) => state.camara.register(registration));
  put('/templates', TemplatesBody, ({ enabled }) => void (templates.enabled = enabled));
  put('/faults', FaultsBody, (body) => faults.set(body));
  router.post('/reset', (_req, res) => {
    resetState(state);
    res.status(204).end();
  });
  return router;
};
