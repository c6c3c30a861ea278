import { spawnSync } from 'node:child_process';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { ROOT } from './programs.js';

/** Where a proxy listens, and what it leads to. */
export interface Site {
  /** For its files. */
  folder: string;
  port: number;
  /** The ports of the two servers. */
  upstreams: readonly [number, number];
  /** The files of the certificate and its key. Absent: plain http. */
  tls?: { certificate: string; key: string };
  /** Instead of the times of 30 and 50 seconds in the file, such as `1s`. */
  time?: string;
}

/** A file of deploy/proxies, with local addresses and files. */
const adapted = (name: string, { port, upstreams: [one, two], tls, time }: Site): string =>
  readFileSync(join(ROOT, 'deploy/proxies', name), 'utf8')
    .replace(/\b[35]0s\b/g, (seconds) => time ?? seconds)
    .replaceAll('127.0.0.1:3000', `127.0.0.1:${one}`)
    .replaceAll('127.0.0.1:3001', `127.0.0.1:${two}`)
    .replaceAll('/etc/ssl/login.example.com.pem', tls?.certificate ?? '')
    .replaceAll('/etc/ssl/login.example.com.key', tls?.key ?? '')
    .replace(/bind :443 (.*)/, (_all, options: string) => `bind 127.0.0.1:${port} ${tls ? options : ''}`)
    .replace(/listen 443 (.*);/, (_all, options: string) => `listen 127.0.0.1:${port} ${tls ? options : ''};`)
    .replace(/^ *listen \[::\].*$/m, '')
    .replace(/^ *ssl_.*;$/gm, (line) => (tls ? line : ''));

export interface Proxy {
  program: string;
  version: string;
  /** The arguments with which it runs in the foreground. */
  start(site: Site): string[];
}

const write = ({ folder }: Site, name: string, text: string): string => {
  const path = join(folder, name);
  writeFileSync(path, text);
  return path;
};

/**
 * The access log of nginx: its standard streams are sockets here, which it cannot open as files.
 */
export const accessLogIn = (folder: string): string => join(folder, 'access.log');

const PROXIES: Record<string, Proxy> = {
  nginx: {
    program: 'nginx',
    version: '-v',
    start(site) {
      const { folder } = site;
      const text = adapted('nginx.conf', site).replace(/access_log \S+/, `access_log ${accessLogIn(folder)}`);
      const temporary = ['client_body', 'proxy', 'fastcgi', 'uwsgi', 'scgi'].map(
        (kind) => `${kind}_temp_path ${folder}/${kind};`,
      );
      const main = `daemon off; master_process off; pid ${folder}/pid; error_log stderr info; events {} http { ${temporary.join(' ')} include ${write(site, 'site.conf', text)}; }`;
      return ['-e', 'stderr', '-c', write(site, 'nginx.conf', main)];
    },
  },
  caddy: {
    program: 'caddy',
    version: 'version',
    start(site) {
      const { port, tls } = site;
      const host = tls
        ? `https://localhost:${port} {\n\ttls ${tls.certificate} ${tls.key}`
        : `http://localhost:${port} {`;
      const text = adapted('Caddyfile', site)
        .replace(/request_buffers .*/, (directive) => (isOld(this) ? 'buffer_requests' : directive))
        .replace(/^\{$/m, '{\n\tadmin off\n\tauto_https off')
        .replace('login.example.com {', host);
      return ['run', '--adapter', 'caddyfile', '--config', write(site, 'Caddyfile', text)];
    },
  },
  haproxy: {
    program: 'haproxy',
    version: '-v',
    start: (site) => ['-db', '-f', write(site, 'haproxy.cfg', adapted('haproxy.cfg', site))],
  },
};

const isHere = ({ program, version }: Proxy): boolean => spawnSync(program, [version]).status === 0;

/** Caddy before 2.6.4, as in Debian 12, has another name for a directive. */
const isOld = ({ program, version }: Proxy): boolean =>
  /^v?2\.(?:[0-5]\.|6\.[0-3]\b)/.test(spawnSync(program, [version]).stdout.toString());

const here = Object.entries(PROXIES).filter(([, proxy]) => isHere(proxy));

/** A suite for each proxy that is installed. Without one, it is skipped. */
export const eachProxy =
  here.length > 0 ? describe.each(here) : describe.skip.each([['nginx', PROXIES['nginx'] as Proxy]]);
