import { Router } from 'express';
import type { Response } from 'express';
import { z } from 'zod';
import { parseJson } from './body.js';
import { FaultsBody } from './faults.js';
import { invalidParameters, sendProblem } from './problem.js';
import type { Stage } from './state.js';
import { BEHAVIOURS, PhoneNumber } from './subscribers.js';
import { conversationRoutes } from './stream.js';
import { settleAll } from './verify-workflow.js';
import { WebhookQuirks } from './webhooks.js';

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

/** The value if it is as it should be; else the answer is a 400 that names every fault. */
const accept = <T>(stage: Stage, res: Response, schema: z.ZodType<T>, value: unknown): T | undefined => {
  const { success, data, error } = schema.safeParse(value);
  if (success) return data;
  sendProblem(res, stage.world, 'badRequest', z.prettifyError(error), {
    invalid_parameters: invalidParameters(error),
  });
  return undefined;
};

const subscriberRoutes = (stage: Stage, router: Router): void => {
  const { subscribers } = stage.state;
  router.get('/subscribers', (_req, res) => void res.json(subscribers.all()));
  router.get('/subscribers/:number', (req, res) => {
    const path = accept(stage, res, NumberInPath, req.params);
    if (path) res.json(subscribers.of(path.number));
  });
  router.put('/subscribers/:number', (req, res) => {
    const path = accept(stage, res, NumberInPath, req.params);
    const subscriber = path && accept(stage, res, SubscriberBody, parseJson(req));
    if (!subscriber) return;
    subscribers.set(path.number, subscriber);
    stage.state.news.tell({ topic: 'subscribers' });
    res.json(subscriber);
  });
};

const webhookRoutes = (stage: Stage, router: Router): void => {
  const { webhooks } = stage.state;
  router.get('/webhooks', (_req, res) => void res.json(webhooks.sent()));
  router.put('/webhooks', (req, res) => {
    const quirks = accept(stage, res, WebhookQuirks, parseJson(req));
    if (!quirks) return;
    webhooks.set(quirks);
    res.json(webhooks.quirks);
  });
};

/** The control API: what was sent, what the numbers do, and what goes wrong. */
export const control = (stage: Stage): Router => {
  const { state } = stage;
  const router = Router({ caseSensitive: true, strict: true });
  // Who looks sees the world as of now.
  router.use((_req, _res, next) => {
    settleAll(stage);
    next();
  });
  router.post('/tick', (_req, res) => void res.status(204).end());
  router.get('/requests', (req, res) => {
    const all = req.query.all === 'true';
    res.json(state.ledger.requests.all().filter(({ from }) => all || from === 'server'));
  });
  router.get('/messages', (_req, res) => void res.json(state.ledger.messages.all()));
  subscriberRoutes(stage, router);
  webhookRoutes(stage, router);
  conversationRoutes(stage, router);
  router.put('/token', (req, res) => {
    const answer = accept(stage, res, TokenBody, parseJson(req));
    if (!answer) return;
    state.tokenAnswer = answer;
    res.json(answer);
  });
  router.put('/templates', (req, res) => {
    const may = accept(stage, res, TemplatesBody, parseJson(req));
    if (!may) return;
    state.templates.enabled = may.enabled;
    res.json(may);
  });
  router.put('/faults', (req, res) => {
    const faults = accept(stage, res, FaultsBody, parseJson(req));
    if (!faults) return;
    state.faults.set(faults);
    res.json(faults);
  });
  router.post('/reset', (_req, res) => {
    state.reset();
    res.status(204).end();
  });
  return router;
};
