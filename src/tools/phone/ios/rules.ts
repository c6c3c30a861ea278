import { header, jsonIn, type Answer } from '../answer.js';
import { isCompressed, isRedirect, isUnanswered, spellingOf, whenAnswered, type Rule } from '../sdk.js';
import { isExpected, isJsonType } from './reading.js';

/** `VGCellularRequestParameters`: the default. The eleventh redirect is one too many. */
export const MAX_REDIRECTS = 10;

/** `receive(maximumLength:)`, in bytes. */
const ONE_READ = 65_536;

const hasBody = (answer: Answer): boolean => answer.status !== 204 && !isRedirect(answer);

/** What `getResponseBody` can take apart: one chunk, and the header spelt like this. */
const isOneChunk = ({ chunks, headers }: Answer): boolean =>
  chunks.length === 1 && headers.some(({ line }) => line === 'Transfer-Encoding: chunked');

/**
 * What the SDK for iOS demands. Each row names its place in `CellularConnectionManager.swift` of
 * 1.0.5-beta.
 */
export const IOS_RULES: readonly Rule[] = [
  {
    // createConnection: sec_protocol_options_set_{min,max}_tls_protocol_version(.TLSv12)
    name: 'TLS 1.2',
    isBrokenBy: ({ failure }) => failure?.kind === 'tls',
    says: ({ url, failure }) =>
      `There was no TLS connection to ${url.host} (${failure?.message ?? ''}), and the iOS SDK speaks TLS 1.2 and no other version.`,
    mend: 'Enable TLS 1.2 beside 1.3 in the proxy, with a certificate for this host from an authority that phones know.',
  },
  {
    // createTimer: connectionTimeout; NWConnection waits where a connection is refused
    name: 'connection',
    isBrokenBy: ({ failure }) => failure?.kind === 'connect',
    says: ({ url, failure }) =>
      `There was no connection to ${url.host} (${failure?.message ?? ''}); the iOS SDK gives up after five seconds.`,
    mend: 'Make sure that this host can be reached from the mobile network.',
  },
  {
    // sendAndReceiveWithBody: timer?.invalidate() before receive, which has no limit of its own
    name: 'answer',
    isBrokenBy: isUnanswered,
    says: ({ url, failure }) =>
      failure?.kind === 'timeout'
        ? `${url.host} did not answer (${failure.message}); the iOS SDK, and so the app, would wait without end.`
        : `${url.host} ended the connection without an answer.`,
    mend: 'Answer within five seconds, and give the app a limit of its own.',
  },
  {
    // checkResponseHandler: redirectCount <= maxRedirectCount
    name: 'redirects',
    isBrokenBy: ({ requests, answer }) =>
      requests > MAX_REDIRECTS && answer !== undefined && isRedirect(answer),
    says: () => `This was redirect ${MAX_REDIRECTS + 1}; the iOS SDK follows ${MAX_REDIRECTS}.`,
    mend: 'Shorten the chain: no redirect of your own before or after the one to /callback.',
  },
  {
    // sendAndReceiveWithBody: switch status
    name: 'status',
    isBrokenBy: whenAnswered(({ status }) => !isExpected(status)),
    says: ({ answer }) =>
      `The status is ${answer?.status ?? 0}, which the iOS SDK does not expect: the app gets an error without it.`,
    mend: 'Answer with 200, 4xx or 5xx up to 511, and with nothing before it, such as 103.',
  },
  {
    // sendAndReceiveWithBody: one receive(minimumIncompleteLength: 1, maximumLength: 65536) a
    // connection
    name: 'one segment',
    isBrokenBy: whenAnswered(
      ({ raw: { segments } }) => segments.length > 1 || (segments[0]?.bytes.length ?? 0) > ONE_READ,
    ),
    says: ({ answer }) =>
      `The answer came in ${answer?.raw.segments.length ?? 0} segments, and the iOS SDK reads one.`,
    mend: 'Send head and body in one write, and let the proxy buffer the answer.',
  },
  {
    // parseRedirect: #"ocation: (.*)\r\n"#
    name: 'Location',
    isBrokenBy: whenAnswered(
      (answer) => isRedirect(answer) && !answer.headers.some(({ line }) => line.includes('ocation: ')),
    ),
    says: () =>
      'The redirect has no line that is spelt `Location: ` with a space, so the iOS SDK finds no address.',
    mend: 'Write `Location: ` and the address, as most servers do.',
  },
  {
    // getResponseBody: #"Content-Type: (.*)\r\n"#, to the letter
    name: 'spelling of Content-Type',
    isBrokenBy: whenAnswered((answer) => {
      const line = header(answer, 'content-type')?.line;
      return hasBody(answer) && line !== undefined && !line.includes('Content-Type: ');
    }),
    says: (evidence) =>
      `The header is spelt \`${spellingOf(evidence, 'content-type')}\`; the iOS SDK looks for \`Content-Type: \` to the letter, and finds no body.`,
    mend: 'Let the proxy leave the names of HTTP/1.1 headers as they are (Envoy: proper_case_words, or preserve_case).',
  },
  {
    // getResponseBody: type.contains(…)
    name: 'media type',
    isBrokenBy: whenAnswered(
      (answer) => hasBody(answer) && !isJsonType(header(answer, 'content-type')?.value ?? ''),
    ),
    says: ({ answer }) =>
      `The media type is ${(answer && header(answer, 'content-type')?.value) ?? 'missing'}; the iOS SDK reads JSON alone.`,
    mend: 'Answer with application/json or application/problem+json, errors of the proxy included.',
  },
  {
    // Nothing decompresses: bytes become a string as they are
    name: 'compression',
    isBrokenBy: whenAnswered(isCompressed),
    says: () => 'The body is compressed, which no SDK asked for and none can read.',
    mend: 'Turn compression off for /callback in the proxy.',
  },
  {
    // getResponseBody: from the first "{" to "\r\n0\r\n", sizes of further chunks included
    name: 'chunks',
    isBrokenBy: whenAnswered(
      (answer) => hasBody(answer) && header(answer, 'transfer-encoding') !== undefined && !isOneChunk(answer),
    ),
    says: () =>
      'The body is chunked in a way that the iOS SDK cannot read: it reads one chunk, under `Transfer-Encoding: chunked` to the letter.',
    mend: 'Send a Content-Length instead, and let the proxy keep it.',
  },
  {
    // getResponseBody: content.firstIndex(of: "{"), then JSONSerialization up to the end
    name: 'JSON',
    isBrokenBy: whenAnswered(
      (answer) =>
        hasBody(answer) && !isCompressed(answer) && jsonIn(answer.body.toString('utf8')) === undefined,
    ),
    says: () => 'The body is not one JSON object.',
    mend: 'Answer with a JSON object and nothing after it.',
  },
];
