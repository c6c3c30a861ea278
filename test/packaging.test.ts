import { existsSync, readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { parse } from 'yaml';
import { readConfig } from '../src/config/config.js';
import { ERRORS } from '../src/core/errors.js';
import { loadHooks } from '../src/server.js';
import { newCredentials } from '../src/sandbox/credentials.js';
import { readSettings } from '../src/sandbox/settings.js';
import { Subscribers } from '../src/sandbox/state/subscribers.js';

const root = resolve(__dirname, '..');
const read = (file: string): string => readFileSync(join(root, file), 'utf8');
const lines = (text: string): string[] => text.split('\n').map((line) => line.trim());

/**
 * The variables that server and sandbox read, recorded on environments that only name an engine.
 */
function settingsOfTheCode(): string[] {
  const names = new Set<string>();
  const [env, ofCamara] = [{}, { SILENT_AUTH: 'camara' }].map(
    (values: Record<string, string>) =>
      new Proxy<Record<string, string | undefined>>(values, {
        get: (_, name) => (names.add(String(name)), values[String(name)]),
      }),
  ) as [Record<string, string | undefined>, Record<string, string | undefined>];
  for (const each of [env, ofCamara]) expect(() => readConfig(each)).toThrow('The settings cannot be used');
  void loadHooks(env);
  readSettings(env);
  names.delete('NODE_ENV');
  // Each setting of the server may be in a file (config.test.ts).
  return [...names].filter((name) => !name.endsWith('_FILE')).sort();
}

describe('.env.example', () => {
  const entries = [...read('.env.example').matchAll(/^(# )?([A-Z_]+)=(.*)$/gm)].map(
    ([, optional, name = '', value = '']) => ({ name, value, optional: optional !== undefined }),
  );
  const required = ['SESSION_SECRET', 'VONAGE_APPLICATION_ID', 'VONAGE_PRIVATE_KEY', 'BRAND'];

  it('lists exactly the settings that the code reads, each once', () => {
    expect(entries.map(({ name }) => name).sort()).toEqual(settingsOfTheCode());
  });

  it('leaves required settings empty, and comments out all others', () => {
    expect(entries.filter(({ optional }) => !optional).map(({ name }) => name)).toEqual(required);
    expect(entries.filter(({ optional, value }) => !optional && value !== '')).toEqual([]);
    const empty = Object.fromEntries(entries.map(({ name }) => [name, undefined]));
    expect(() => readConfig(empty)).toThrow(new RegExp(required.map((name) => `(?=[^]*${name})`).join('')));
  });

  it('explains each setting in a comment above it', () => {
    const text = lines(read('.env.example'));
    for (const { name, value, optional } of entries) {
      const at = text.indexOf(`${optional ? '# ' : ''}${name}=${value}`);
      expect(text[at - 1]).toMatch(/^# .+/);
    }
  });

  it('shows the defaults of the code', () => {
    const { applicationId, privateKeyPem, sessionSecret } = newCredentials();
    const credentials = {
      SESSION_SECRET: sessionSecret,
      VONAGE_APPLICATION_ID: applicationId,
      VONAGE_PRIVATE_KEY: privateKeyPem,
      BRAND: 'ACME',
    };
    const shown = Object.fromEntries(
      entries.filter(({ optional }) => optional).map((each) => [each.name, each.value]),
    );
    const plain = ({ vonage, ...config }: ReturnType<typeof readConfig>) => ({
      ...config,
      vonage: { ...vonage, privateKey: undefined },
    });
    expect(plain(readConfig({ ...shown, ...credentials }))).toEqual(plain(readConfig(credentials)));
    const withoutKey = (settings: object) => ({ ...settings, publicKey: undefined });
    expect(withoutKey(readSettings({ ...shown, ...credentials }))).toEqual(
      withoutKey(readSettings(credentials)),
    );
    expect(readSettings(credentials)).toHaveProperty('publicKey');
  });
});

describe('docs/errors.md', () => {
  it('has a heading for every error and for no other', () => {
    const headings = [...read('docs/errors.md').matchAll(/^## (.*)$/gm)].map(([, heading]) => heading);
    expect(headings).toEqual(Object.keys(ERRORS));
  });

  it('gives each error its status', () => {
    for (const [code, [status]] of Object.entries(ERRORS)) {
      expect(read('docs/errors.md')).toContain(`\n## ${code}\n\nStatus ${status}. `);
    }
  });

  it('says for each error what the user sees, what the developer does, and whether to retry', () => {
    for (const section of read('docs/errors.md').split(/^## /m).slice(1)) {
      const said = [...section.matchAll(/^- \*\*(\w+):\*\* \S/gm)].map(([, whom]) => whom);
      expect([section.split('\n')[0], said]).toEqual([expect.any(String), ['User', 'Developer', 'Retry']]);
    }
  });
});

describe('README.md', () => {
  const readme = read('README.md');
  const settings = read('docs/settings.md');

  it('has at most 150 lines', () => {
    expect(readme.split('\n').length).toBeLessThanOrEqual(151);
  });

  it.each(settingsOfTheCode())('its settings explain %s', (name) => {
    expect(settings).toContain(`| \`${name}\` |`);
  });

  it('gives each setting the default that .env.example shows', () => {
    const shown = Object.fromEntries(
      [...read('.env.example').matchAll(/^(?:# )?([A-Z_]+)=(.*)$/gm)].map(([, name = '', value = '']) => [
        name,
        value,
      ]),
    );
    const rows = [...settings.matchAll(/^\| `([A-Z_]+)` \| (.*?) \|/gm)];
    expect(rows.map(([, name]) => name).sort()).toEqual(Object.keys(shown).sort());
    const described = rows.filter(([, name = '', cell = '']) => {
      if (/^(?:required|none|all|Node's)$/.test(cell)) return shown[name] !== '';
      const [, value = ''] = /^`([^`]+)`(?:, and .*)?$/.exec(cell) ?? [];
      // Some begin with the name of the setting that they follow.
      return value.replace(/^[A-Z_]+/, (other) => shown[other] ?? other) !== shown[name];
    });
    expect(described.map(([, name]) => name)).toEqual(['RATE_LIMITS']);
  });

  it.each(Object.keys(new Subscribers().all()))('says what the sandbox number %s does', (number) => {
    expect(read('docs/sandbox.md')).toContain(`| \`${number}\` |`);
  });

  it('names only scripts that exist', () => {
    const { scripts } = JSON.parse(read('package.json')) as { scripts: Record<string, string> };
    const named = [...readme.matchAll(/npm (?:run )?([\w:-]*\w)/g)]
      .map(([, name = '']) => name)
      .filter((name) => name !== 'ci');
    expect(named.length).toBeGreaterThan(5);
    for (const name of named) expect(Object.keys(scripts)).toContain(name);
  });

  it('links only to files that exist', () => {
    const links = [...readme.matchAll(/\]\((?!https?:|#)([^)#]+)/g)].map(([, link = '']) => link);
    expect(links).toContain('docs/contract.md');
    for (const link of links) expect([link, existsSync(join(root, link))]).toEqual([link, true]);
  });
});

/** The instructions of the Dockerfile by stage, with continued lines joined. */
function stagesOf(dockerfile: string): { from: string; name: string; instructions: string[] }[] {
  return dockerfile
    .replaceAll('\\\n', ' ')
    .split('\n')
    .filter((line) => line !== '' && !line.startsWith('#'))
    .join('\n')
    .split(/^(?=FROM )/m)
    .filter((stage) => stage.startsWith('FROM '))
    .map((stage) => {
      const [first = '', ...instructions] = stage.trimEnd().split('\n');
      const [, from = '', name = ''] =
        /^FROM (?:--platform=\$BUILDPLATFORM )?(\S+)(?: AS (\S+))?$/.exec(first) ?? [];
      return { from, name, instructions };
    });
}

describe('the Dockerfile', () => {
  const stages = stagesOf(read('Dockerfile'));
  const last = stages.at(-1)?.instructions ?? [];
  const copies = stages.flatMap(({ instructions }) =>
    instructions
      .filter((line) => line.startsWith('COPY '))
      .map((line) => {
        const [, from, paths = ''] = /^COPY (?:--from=(\S+) )?(.*)$/.exec(line) ?? [];
        return { from, sources: paths.split(' ').slice(0, -1) };
      }),
  );

  it('builds in stages, and the final image copies only from them', () => {
    expect(stages.map(({ name }) => name)).toEqual(['build', 'modules', '']);
    expect(new Set(stages.map(({ from }) => from))).toEqual(new Set(['${NODE_IMAGE}']));
    expect(read('Dockerfile')).toMatch(/^ARG NODE_IMAGE=node:24-alpine$/m);
    for (const { from } of copies) if (from !== undefined) expect(['build', 'modules']).toContain(from);
  });

  it('copies only files that exist and that .dockerignore allows', () => {
    const letThrough = lines(read('.dockerignore')).filter((line) => line.startsWith('!'));
    expect(lines(read('.dockerignore'))).toContain('*');
    const sources = copies.filter(({ from }) => from === undefined).flatMap((copy) => copy.sources);
    expect(new Set(sources.map((source) => `!${source}`))).toEqual(new Set(letThrough));
    for (const source of sources) expect([source, existsSync(join(root, source))]).toEqual([source, true]);
    const made = copies.filter(({ from }) => from !== undefined).flatMap((copy) => copy.sources);
    expect(made).toEqual(['/app/node_modules/@opentelemetry', '/app/node_modules', '/app/dist']);
  });

  it('has the packages of the optional peers, with all that they need', () => {
    const { packages } = JSON.parse(read('package-lock.json')) as {
      packages: Record<string, { dev?: boolean; dependencies?: Record<string, string> }>;
    };
    const { peerDependencies } = JSON.parse(read('package.json')) as { peerDependencies: object };
    const peers = Object.keys(peerDependencies).filter((name) => !name.startsWith('@types/'));
    const copied = Object.keys(packages)
      .filter((path) => path.startsWith('node_modules/@opentelemetry/'))
      .map((path) => path.replace('node_modules/', ''));
    const needed = copied.flatMap((name) =>
      Object.keys(packages[`node_modules/${name}`]?.dependencies ?? {}),
    );
    for (const name of [...peers, ...needed]) expect(copied).toContain(name);
  });

  it('has only production packages in the final image', () => {
    expect(stages[0]?.instructions).toContain('RUN npm ci --ignore-scripts');
    expect(stages[1]?.instructions).toContain('RUN npm ci --omit=dev --ignore-scripts');
    expect(copies).toContainEqual({ from: 'modules', sources: ['/app/node_modules'] });
    expect(last).toContain('ENV NODE_ENV=production');
  });

  it('runs the server as an unprivileged user, with a health check', () => {
    const at = (start: string) => last.findIndex((line) => line.startsWith(start));
    // By number, so that Kubernetes can verify that it is not root.
    expect(last[at('USER ')]).toBe('USER 1000:1000');
    expect(at('USER ')).toBeGreaterThan(at('COPY docs/errors.md'));
    expect(last.filter((line) => line.startsWith('COPY ') && line.includes('--chown'))).toEqual([]);
    expect(last[at('HEALTHCHECK ')]).toContain('/healthz');
    expect(last).toContain('STOPSIGNAL SIGTERM');
    expect(last.at(-1)).toBe('CMD ["silent-auth", "serve"]');
  });

  it('has the labels of package.json', () => {
    const labels = [...read('Dockerfile').matchAll(/org\.opencontainers\.image\.(\w+)="([^"]*)"/g)];
    const { name, description, version, license } = JSON.parse(read('package.json')) as Record<
      string,
      string
    >;
    expect(Object.fromEntries(labels.map(([, label, value]) => [label, value]))).toEqual({
      ...{ title: name, description, version, licenses: license },
    });
  });

  it('runs platform-independent stages on the platform of the builder', () => {
    const { packages } = JSON.parse(read('package-lock.json')) as {
      packages: Record<string, { dev?: boolean; os?: string[]; cpu?: string[]; hasInstallScript?: boolean }>;
    };
    const bound = Object.entries(packages).filter(
      ([, { dev, os, cpu, hasInstallScript }]) => !dev && (os ?? cpu ?? hasInstallScript) !== undefined,
    );
    expect(bound.map(([path]) => path)).toEqual([]);
  });
});

interface Service {
  profiles?: string[];
  image?: string;
  build?: string;
  command?: string[];
  environment?: Record<string, string>;
  ports?: string[];
  volumes?: string[];
  depends_on?: Record<string, { condition: string }>;
  healthcheck?: { test?: string[] };
}

describe('docker-compose.yml', () => {
  const compose = parse(read('docker-compose.yml'), { merge: true }) as {
    services: Record<string, Service>;
    volumes: object;
  };
  // packaging-scale.test.ts and packaging-production.test.ts check those of a profile.
  const services = Object.fromEntries(
    Object.entries(compose.services).filter(([, { profiles }]) => profiles === undefined),
  );
  const ours = Object.entries(services).filter(([, { build }]) => build !== undefined);
  const environmentOf = (name: string): Record<string, string> => services[name]?.environment ?? {};

  it('starts the server after the keys exist, and Redis and the sandbox are healthy', () => {
    expect(Object.keys(services)).toEqual(['redis', 'setup', 'sandbox', 'server']);
    const made = { condition: 'service_completed_successfully' };
    const healthy = { condition: 'service_healthy' };
    expect(services['server']?.depends_on).toEqual({ setup: made, redis: healthy, sandbox: healthy });
    expect(services['sandbox']?.depends_on).toEqual({ setup: made });
    expect(services['redis']?.healthcheck?.test).toEqual(['CMD', 'redis-cli', 'ping']);
    expect(services['sandbox']?.healthcheck?.test?.join(' ')).toContain('http://127.0.0.1:4000/');
  });

  it('needs no .env, and contains no secret', () => {
    expect(read('docker-compose.yml')).not.toMatch(/\$\{|env_file/);
    expect(JSON.stringify(services)).not.toMatch(/SECRET|PRIVATE_KEY|secrets/);
  });

  it('sets only settings that the code reads', () => {
    const known = ['NODE_ENV', ...settingsOfTheCode()];
    for (const [, { environment }] of ours) {
      for (const name of Object.keys(environment ?? {})) expect(known).toContain(name);
    }
  });

  it('runs commands of silent-auth, which is on the PATH of the image', () => {
    const commands = ours.map(([, { command }]) => command?.slice(0, 2).join(' '));
    expect(commands).toEqual(['silent-auth sandbox', 'silent-auth sandbox', 'silent-auth serve']);
    const { bin } = JSON.parse(read('package.json')) as { bin: Record<string, string> };
    const linked = `ln -s /app/${bin['silent-auth'] ?? ''} /usr/local/bin/silent-auth`;
    expect(read('Dockerfile')).toContain(linked);
  });

  it('shares the keys through a volume that the user of the image can write to', () => {
    expect(compose.volumes).toHaveProperty('setup');
    expect(services['setup']).toMatchObject({
      command: ['silent-auth', 'sandbox', '--init', '/setup/.env'],
      volumes: ['setup:/setup'],
    });
    for (const name of ['sandbox', 'server']) {
      expect(services[name]?.command?.slice(2)).toEqual(['--settings', '/setup/.env']);
      expect(services[name]?.volumes).toEqual(['setup:/setup:ro']);
    }
    expect(read('Dockerfile')).toContain('chown node:node /setup');
  });

  it('publishes the ports of its URLs, and no port of Redis', () => {
    expect(services['redis']?.ports).toBeUndefined();
    const portOf = (name: string) => services[name]?.ports?.join().split(':').slice(1);
    expect(portOf('server')).toEqual(['3000', environmentOf('server')['PORT']]);
    expect(portOf('sandbox')).toEqual(['4000', environmentOf('sandbox')['SANDBOX_PORT']]);
    expect(environmentOf('server')['PUBLIC_URL']).toBe('http://localhost:3000');
    expect(environmentOf('sandbox')['PUBLIC_URL']).toBe(environmentOf('server')['PUBLIC_URL']);
    expect(environmentOf('sandbox')['SANDBOX_PUBLIC_URL']).toBe('http://localhost:4000');
  });

  it('gives the server valid settings, with links that work outside of the containers', () => {
    const { applicationId, privateKeyPem, sessionSecret } = newCredentials();
    const config = readConfig({
      SESSION_SECRET: sessionSecret,
      VONAGE_APPLICATION_ID: applicationId,
      VONAGE_PRIVATE_KEY: privateKeyPem,
      BRAND: 'ACME',
      ...environmentOf('server'),
    });
    expect(config.vonage).toMatchObject({ apiHost: 'http://sandbox:4000', authUrlHosts: ['localhost:4000'] });
    expect(config.redis?.place.nodes).toEqual([{ host: 'redis', port: 6379 }]);
  });

  it('runs every program with NODE_ENV=development', () => {
    expect(ours.map(([name]) => name)).toEqual(['setup', 'sandbox', 'server']);
    for (const [, { environment }] of ours) expect(environment?.['NODE_ENV']).toBe('development');
  });
});
