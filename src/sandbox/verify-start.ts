import type { RequestHandler, Response } from 'express';
import { parseJson } from './body.js';
import { uuid } from './identifiers.js';
import type { Stage } from './state.js';
import type { Behaviour } from './subscribers.js';
import { readStart } from './verify-body.js';
import type { StartBody } from './verify-body.js';
import { checkUrlOf } from './verify-news.js';
import { sendVerifyProblem } from './verify-problem.js';
import type { VerifyProblem } from './verify-problem.js';
import type { Step, VerifyRequest } from './verify-request.js';
import { initiate, underWay } from './verify-workflow.js';

const stepOf = (asked: StartBody['workflow'][number]): Step => ({
  channel: asked.channel,
  to: `+${asked.to}`,
  status: 'unused',
  walked: false,
  coverageCheck: asked.channel === 'silent_auth' && asked.coverage_check !== false,
  redirectUrl: asked.channel === 'silent_auth' ? asked.redirect_url : undefined,
});

const requestOf = (stage: Stage, asked: StartBody): VerifyRequest => ({
  id: uuid(stage.world),
  brand: asked.brand,
  locale: asked.locale,
  channelTimeout: asked.channel_timeout,
  clientRef: asked.client_ref,
  codeLength: asked.code_length,
  ownCode: asked.code,
  templateId: asked.template_id,
  submittedAt: stage.world.now(),
  steps: asked.workflow.map(stepOf),
  wrongCodes: 0,
});

/** Why this request cannot be started, by what its numbers do. The virtual operator's errors come only with the walk. */
const refusalOf = ({ state }: Stage, { steps, templateId }: VerifyRequest): VerifyProblem | undefined => {
  const real = steps.filter(({ to }) => !to.startsWith('+990'));
  const someAre = (behaviour: Behaviour, among: Step[]): boolean =>
    among.some(({ to }) => state.subscribers.of(to).behaviour === behaviour);
  if (templateId !== undefined && !state.templates.has(templateId)) return 'templateNotFound';
  if (someAre('rate_limited', real)) return 'throttled';
  if (someAre('server_error', real)) return 'internalError';
  const lookedUp = steps.filter(({ coverageCheck }) => coverageCheck);
  return someAre('unsupported', lookedUp) ? 'notCovered' : undefined;
};

/** The request that is under way to one of these numbers. */
const rivalOf = (stage: Stage, { steps }: VerifyRequest): VerifyRequest | undefined =>
  steps
    .map(({ to }) => underWay(stage, stage.state.verifyBook.to(to))?.request)
    .find((rival) => rival !== undefined);

const begin = (stage: Stage, res: Response, request: VerifyRequest): void => {
  const [first] = request.steps;
  stage.state.verifyBook.add(request);
  if (first) initiate(stage, request, first, request.submittedAt);
  res.status(202).json({
    request_id: request.id,
    ...(first?.channel === 'silent_auth' ? { check_url: checkUrlOf(stage, request) } : {}),
  });
};

/** `POST /v2/verify`. */
export const start =
  (stage: Stage): RequestHandler =>
  (req, res) => {
    const { world } = stage;
    const asked = readStart(parseJson(req));
    if (Array.isArray(asked)) {
      sendVerifyProblem(res, world, 'invalidParams', { invalid_parameters: asked });
      return;
    }
    const request = requestOf(stage, asked);
    const refusal = refusalOf(stage, request);
    const rival = rivalOf(stage, request);
    if (refusal === 'throttled') res.set('Retry-After', '7');
    if (refusal) sendVerifyProblem(res, world, refusal);
    else if (rival) sendVerifyProblem(res, world, 'concurrent', { request_id: rival.id });
    else begin(stage, res, request);
  };
