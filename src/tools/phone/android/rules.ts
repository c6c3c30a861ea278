import { header, jsonIn, type Answer } from '../answer.js';
import { isLoopback } from '../../http.js';
import { isCompressed, isRedirect, isUnanswered, whenAnswered, type Evidence, type Rule } from '../sdk.js';
import { isJsonType, typeIn } from './reading.js';

/**
 * `VGCellularRequestParameters`: the default. The tenth request is already too many, even if it was
 * answered.
 */
export const MAX_REQUESTS = 10;

/**
 * The URLs that the SDK opens. On this machine http is allowed, since a sandbox has no certificate.
 */
export const isHttps = (url: URL): boolean =>
  url.protocol === 'https:' || (url.protocol === 'http:' && isLoopback(url));

/** How long a connection may stay open after the answer. */
const MAX_OPEN_MS = 1000;

const hasJsonType = (answer: Answer): boolean =>
  isJsonType(typeIn(header(answer, 'content-type')?.line ?? '') ?? '');

const isLast = (answer: Answer): boolean => !isRedirect(answer);

const locationOf = (answer: Answer, url: URL): URL | undefined => {
  const address = header(answer, 'location')?.line.split('ocation: ')[1] ?? '';
  return address !== '' && URL.canParse(address, url.href) ? new URL(address, url) : undefined;
};

/**
 * How long the connection stayed open after the last byte, in ms; Infinity where it did not close.
 */
const openFor = ({ raw: { segments, closedAfterMs = Infinity } }: Answer): number =>
  closedAfterMs - (segments.at(-1)?.afterMs ?? 0);

/** The connection was closed before this request was sent over it. */
const isClosedOnReuse = (evidence: Evidence): boolean =>
  isUnanswered(evidence) && evidence.answer?.raw.isReused === true && !evidence.failure;

const isDowngrade = (from: URL, to: URL | undefined): boolean =>
  from.protocol === 'https:' && to?.protocol === 'http:';

const hasObject = ({ body }: Answer): boolean => {
  const text = body.toString('utf8');
  return jsonIn(text.slice(0, text.lastIndexOf('}') + 1)) !== undefined;
};

const describeOpen = (answer: Answer | undefined): string => {
  const ms = answer ? openFor(answer) : Infinity;
  return ms === Infinity ? 'after the answer' : `${(ms / 1000).toFixed(1)} s after the answer`;
};

/** What the SDK for Android demands. Each row names its place in `ClientSocket.kt` of 1.2.0. */
export const ANDROID_RULES: readonly Rule[] = [
  {
    // VGCellularRequestClient.constructURL, startConnection, parseRedirect
    name: 'https',
    isBrokenBy: ({ url, answer }) =>
      !isHttps(url) ||
      (answer !== undefined && isRedirect(answer) && isDowngrade(url, locationOf(answer, url))),
    says: () => 'A URL of the chain is http, and the Android SDK opens https only.',
    mend: 'Set an https PUBLIC_URL, and enter its /callback in the Vonage dashboard.',
  },
  {
    // startConnection: SSLSocketFactory.getDefault()
    name: 'TLS',
    isBrokenBy: ({ failure }) => failure?.kind === 'tls',
    says: ({ url, failure }) => `There was no TLS connection to ${url.host} (${failure?.message ?? ''}).`,
    mend: 'Give the proxy a certificate for this host from an authority that phones know.',
  },
  {
    // open: catch → sdk_connection_error
    name: 'connection',
    isBrokenBy: ({ failure }) => failure?.kind === 'connect',
    says: ({ url, failure }) => `There was no connection to ${url.host} (${failure?.message ?? ''}).`,
    mend: 'Make sure that this host can be reached from the mobile network.',
  },
  {
    // open: nurlAuthority == connectedAuthority. The first request of a connection says
    // `Connection: close`.
    name: 'same host',
    isBrokenBy: isClosedOnReuse,
    says: ({ url }) =>
      `${url.host} redirected to itself with a Content-Length; the Android SDK sends the next request over the same connection, which it had asked to close.`,
    mend: 'Redirect to another host, or leave Content-Length out of the redirect.',
  },
  {
    // GLOBAL_DEADLINE_MS: 30 s for the whole chain
    name: 'answer',
    isBrokenBy: (evidence) => isUnanswered(evidence) && isHttps(evidence.url) && !isClosedOnReuse(evidence),
    says: ({ url, failure }) =>
      failure?.kind === 'timeout'
        ? `${url.host} did not answer (${failure.message}); the Android SDK gives the whole chain 30 s.`
        : `${url.host} ended the connection without an answer.`,
    mend: 'Answer within five seconds.',
  },
  {
    // open: if (redirectCount >= maxRedirectCount)
    name: 'redirects',
    isBrokenBy: ({ requests }) => requests >= MAX_REQUESTS,
    says: ({ requests }) =>
      `This was request ${requests} of the chain; with ${MAX_REQUESTS} the Android SDK calls it too many redirects, whatever the answer.`,
    mend: 'Shorten the chain: no redirect of your own before or after the one to /callback.',
  },
  {
    // parseRedirect: redirectLine.split("ocation: ")
    name: 'Location',
    isBrokenBy: whenAnswered((answer, url) => isRedirect(answer) && locationOf(answer, url) === undefined),
    says: () =>
      'The redirect has no line that is spelt `Location: ` with a space, so the Android SDK finds no address.',
    mend: 'Write `Location: ` and the address, as most servers do.',
  },
  {
    // sendAndReceive: type == "application/json" || …, from line.split(" ")[1].replace(";", "")
    name: 'media type',
    isBrokenBy: whenAnswered((answer) => isLast(answer) && answer.status !== 204 && !hasJsonType(answer)),
    says: ({ answer }) =>
      `The line of the media type is \`${(answer && header(answer, 'content-type')?.line) ?? 'missing'}\`; the Android SDK wants \`application/json\` in it, in lower case, between spaces.`,
    mend: 'Answer with `Content-Type: application/json` or `application/problem+json` and no charset, errors of the proxy included.',
  },
  {
    // Nothing decompresses: each byte becomes a character
    name: 'compression',
    isBrokenBy: whenAnswered(isCompressed),
    says: () => 'The body is compressed, which no SDK asked for and none can read.',
    mend: 'Turn compression off for /callback in the proxy.',
  },
  {
    // sendAndReceive: lines are joined, the sizes of chunks included; from the first "{" to the
    // last "}"
    name: 'chunks',
    isBrokenBy: whenAnswered((answer) => isLast(answer) && answer.chunks.length > 1),
    says: ({ answer }) =>
      `The body came in ${answer?.chunks.length ?? 0} chunks, and the Android SDK leaves the chunk sizes in the body.`,
    mend: 'Send a Content-Length instead, and let the proxy keep it.',
  },
  {
    // parseBodyIntoJSONString
    name: 'JSON',
    isBrokenBy: whenAnswered(
      (answer) => isLast(answer) && answer.status !== 204 && !isCompressed(answer) && !hasObject(answer),
    ),
    says: () => 'The body is not one JSON object.',
    mend: 'Answer with a JSON object and nothing after it.',
  },
  {
    // readHttpLine: sb.append(b.toChar())
    name: 'ASCII',
    isBrokenBy: whenAnswered(
      (answer) => !isCompressed(answer) && isLast(answer) && answer.body.some((byte) => byte > 127),
    ),
    says: () => 'The body has characters beyond ASCII, which the Android SDK decodes byte by byte.',
    mend: 'Write them as \\u escapes of JSON.',
  },
  {
    // sendAndReceive: readHttpLine until null, which is the end of the connection
    name: 'closing',
    isBrokenBy: whenAnswered((answer) => isLast(answer) && openFor(answer) > MAX_OPEN_MS),
    says: ({ answer }) =>
      `The connection stayed open ${describeOpen(answer)}; the Android SDK reads until it is closed, and gives the whole chain 30 s.`,
    mend: 'Close the connection after the answer (`Connection: close`), in the proxy too.',
  },
];
