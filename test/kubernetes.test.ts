import { spawnSync } from 'node:child_process';
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { parse } from 'yaml';
import { readConfig } from '../src/config/config.js';
import { newCredentials } from '../src/sandbox/credentials.js';

const root = resolve(__dirname, '..');
const read = (file: string): string => readFileSync(join(root, file), 'utf8');
const folder = 'deploy/kustomize';
const manifest = (name: string): unknown => parse(read(`${folder}/${name}`));

interface Port {
  name?: string;
  containerPort?: number;
  port?: number | string;
  targetPort?: string;
}
type Labels = Record<string, string>;
interface Probe {
  httpGet: { path: string; port: string };
  timeoutSeconds: number;
}
interface Deployment {
  spec: {
    replicas: number;
    selector: { matchLabels: Labels };
    template: {
      metadata: { labels: Labels };
      spec: {
        terminationGracePeriodSeconds: number;
        automountServiceAccountToken: boolean;
        securityContext: Record<string, unknown>;
        containers: [
          {
            image: string;
            ports: Port[];
            env: { name: string; value: string }[];
            envFrom: { configMapRef: { name: string } }[];
            livenessProbe: Probe;
            readinessProbe: Probe;
            resources: { requests: Labels; limits: Labels };
            securityContext: unknown;
            volumeMounts: { mountPath: string; readOnly: boolean }[];
          },
        ];
        volumes: { secret: { secretName: string; defaultMode: number } }[];
      };
    };
  };
}
interface Peer {
  namespaceSelector?: { matchLabels: Labels };
  ipBlock?: { cidr: string };
}
interface NetworkPolicy {
  spec: {
    podSelector: { matchLabels: Labels };
    policyTypes: string[];
    ingress: { from: Peer[]; ports: Port[] }[];
    egress: { to: Peer[]; ports: Port[] }[];
  };
}

const deployment = manifest('deployment.yaml') as Deployment;
const { spec } = deployment;
const pod = spec.template.spec;
const [container] = pod.containers;
const lines = read(`${folder}/settings.env`).split('\n');
const settings = Object.fromEntries(
  lines.filter((line) => /^\w+=/.test(line)).map((line) => [line.split('=')[0], line.replace(/^\w+=/, '')]),
) as Record<string, string>;

test('the server knows all settings, and accepts them once they are filled in', () => {
  const known = [...read('.env.example').matchAll(/^(?:# )?([A-Z_]+)=/gm)].map(([, name]) => name);
  for (const name of Object.keys(settings)) expect(known).toContain(name);
  for (const { name } of container.env) expect(known).toContain(name.replace(/_FILE$/, ''));

  const { applicationId, privateKeyPem, sessionSecret, apiKey, signatureSecret } = newCredentials();
  const secrets: Record<string, string> = {
    redis_url: 'redis://bff:password@redis.redis:6379',
    session_secret: sessionSecret,
    vonage_private_key: privateKeyPem,
    vonage_signature_secret: signatureSecret,
  };
  const mounted = mkdtempSync(join(tmpdir(), 'secrets-'));
  for (const [name, text] of Object.entries(secrets)) writeFileSync(join(mounted, name), text);
  const files = container.env.map(({ name, value }) => [
    name,
    value.replace(`${container.volumeMounts[0]?.mountPath ?? ''}/`, `${mounted}/`),
  ]);
  const filled = {
    ...{ PUBLIC_URL: 'https://login.acme.test', VONAGE_APPLICATION_ID: applicationId, BRAND: 'ACME' },
    ...{ SILENT_AUTH: 'verify', VONAGE_API_KEY: apiKey, ALLOWED_COUNTRIES: 'GB' },
  };
  for (const name of Object.keys(filled)) expect(settings[name]).toBe('');
  const image = [...read('Dockerfile').matchAll(/^ENV (\w+)=(\S+)$/gm)].map(([, name, value]) => [
    name,
    value,
  ]);
  const env = { ...settings, ...filled, ...Object.fromEntries([...image, ...files]) } as NodeJS.ProcessEnv;
  const config = readConfig(env);
  rmSync(mounted, { recursive: true });
  expect(config).toMatchObject({ production: true, trustProxy: 1, metrics: { port: 9464, host: '0.0.0.0' } });
});

test('the pod stops after DRAIN_SECONDS and the ten seconds of running requests', () => {
  expect(pod.terminationGracePeriodSeconds).toBeGreaterThan(Number(settings['DRAIN_SECONDS']) + 10);
});

test('the probes ask what the server answers', () => {
  const documented = (parse(read('openapi.yaml')) as { paths: object }).paths;
  const { livenessProbe, readinessProbe } = container;
  expect([livenessProbe.httpGet.path, readinessProbe.httpGet.path]).toEqual(['/healthz', '/readyz']);
  for (const { httpGet, timeoutSeconds } of [livenessProbe, readinessProbe]) {
    expect(documented).toHaveProperty([httpGet.path]);
    expect(httpGet.port).toBe('http');
    // Redis has half a second to answer.
    expect(timeoutSeconds).toBeGreaterThan(1);
  }
});

test('the pod has the user of the image and no rights', () => {
  const [, user = '', group = ''] = /^USER (\d+):(\d+)$/m.exec(read('Dockerfile')) ?? [];
  expect(pod.securityContext).toMatchObject({
    ...{ runAsNonRoot: true, runAsUser: Number(user), runAsGroup: Number(group), fsGroup: Number(group) },
    seccompProfile: { type: 'RuntimeDefault' },
  });
  expect(container.securityContext).toEqual({
    ...{ readOnlyRootFilesystem: true, allowPrivilegeEscalation: false },
    capabilities: { drop: ['ALL'] },
  });
  expect(pod.automountServiceAccountToken).toBe(false);
  expect(pod.volumes.map(({ secret }) => secret)).toEqual([
    { secretName: 'silent-auth', defaultMode: 0o440 },
  ]);
  expect(container.volumeMounts.every(({ readOnly }) => readOnly)).toBe(true);
});

test('each secret is a file that the page says how to create', () => {
  const page = read('docs/production.md');
  const created = [...page.matchAll(/--from-file=(\w+)/g)].map(([, name]) => name);
  expect(created.sort()).toEqual(container.env.map(({ value }) => value.split('/').at(-1)).sort());
  expect(page).toContain(`kubectl create secret generic ${pod.volumes[0]?.secret.secretName ?? ''} `);
});

test('two pods run, of which one may be taken away, behind a service without the metrics', () => {
  const { labels } = spec.template.metadata;
  const service = (manifest('service.yaml') as { spec: { selector: Labels; ports: Port[] } }).spec;
  const { spec: budget } = manifest('pod-disruption-budget.yaml') as {
    spec: { minAvailable: number; selector: { matchLabels: Labels } };
  };
  for (const selector of [spec.selector.matchLabels, service.selector, budget.selector.matchLabels])
    expect(selector).toEqual(labels);
  expect([spec.replicas, budget.minAvailable]).toEqual([2, 1]);
  expect(service.ports.map(({ targetPort }) => targetPort)).toEqual(['http']);
  expect(container.ports).toEqual([
    { name: 'http', containerPort: Number(/^EXPOSE (\d+)$/m.exec(read('Dockerfile'))?.[1]) },
    { name: 'metrics', containerPort: Number(settings['METRICS_PORT']) },
  ]);
});

test('only the proxy reaches the server, and only Prometheus its metrics; it reaches Redis, DNS and Vonage', () => {
  const policy = (manifest('network-policy.yaml') as NetworkPolicy).spec;
  expect(policy.podSelector.matchLabels).toEqual(spec.template.metadata.labels);
  expect(policy.policyTypes).toEqual(['Ingress', 'Egress']);
  const name = ({ namespaceSelector, ipBlock }: Peer) =>
    namespaceSelector?.matchLabels['kubernetes.io/metadata.name'] ?? ipBlock?.cidr;
  const rules = [
    ...policy.ingress.map(({ from, ports }) => [from.map(name), ports.map(({ port }) => port)]),
    ...policy.egress.map(({ to, ports }) => [to.map(name), ports.map(({ port }) => port)]),
  ];
  expect(rules).toEqual([
    [['ingress-nginx'], ['http']],
    [['monitoring'], ['metrics']],
    [['kube-system'], [53, 53]],
    [['redis'], [6379, 26379]],
    [['0.0.0.0/0', '2000::/3'], [443]],
  ]);
});

test('the base names all of its files', () => {
  const base = manifest('kustomization.yaml') as { resources: string[]; images: { name: string }[] };
  const others = ['kustomization.yaml', 'settings.env'];
  expect([...base.resources, ...others].sort()).toEqual(readdirSync(join(root, folder)).sort());
  expect(base.images.map(({ name }) => name)).toEqual([container.image]);
});

const kubectl = (...args: string[]) => spawnSync('kubectl', args, { encoding: 'utf8' });
const withKubectl = kubectl('version', '--client').status === 0 ? describe : describe.skip;

withKubectl('kubectl', () => {
  test('renders the base', () => {
    const { status, stdout } = kubectl('kustomize', join(root, folder));
    expect(status).toBe(0);
    expect(stdout.match(/^kind: \w+$/gm)?.sort()).toEqual(
      ['ConfigMap', 'Deployment', 'NetworkPolicy', 'PodDisruptionBudget', 'Service'].map(
        (kind) => `kind: ${kind}`,
      ),
    );
  });

  test('knows every field of the deployment', () => {
    const path = join(root, folder, 'deployment.yaml');
    // It reads the file as its own type, and drops fields that this type does not have.
    const { stdout } = kubectl('set', 'env', '--local', '-f', path, 'A=b', '-o', 'json');
    const typed = JSON.parse(stdout) as Deployment;
    typed.spec.template.spec.containers[0].env.pop();
    expect(typed).toMatchObject(deployment);
  });

  test('knows every field of the service', () => {
    const path = join(root, folder, 'service.yaml');
    const { stdout } = kubectl('set', 'selector', '--local', '-f', path, 'a=b', '-o', 'json');
    const { metadata, spec: service } = manifest('service.yaml') as { metadata: object; spec: object };
    const typed = { ...service, selector: { a: 'b' } };
    expect(JSON.parse(stdout)).toMatchObject({ metadata, spec: typed });
  });

  test('would create the same disruption budget', () => {
    const { metadata } = manifest('pod-disruption-budget.yaml') as { metadata: { name: string } };
    const selector = Object.entries(spec.selector.matchLabels).map((label) => label.join('='));
    const options = [`--selector=${selector.join()}`, '--min-available=1', '--dry-run=client', '-o', 'json'];
    const { stdout } = kubectl('create', 'poddisruptionbudget', metadata.name, ...options);
    expect(JSON.parse(stdout)).toMatchObject(manifest('pod-disruption-budget.yaml') as object);
  });
});
