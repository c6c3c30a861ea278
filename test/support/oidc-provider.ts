import {
  Provider,
  interactionPolicy,
  type Configuration,
  type JWKS,
  type KoaContextWithOIDC,
} from 'oidc-provider';

/**
 * An issuer by `oidc-provider`, in a process of its own. It knows the SIM of a device by a header,
 * as an operator knows it by the network, and its API compares the number of an access token.
 */
const { PORT = '', CLIENT = '', JWKS: keys = '', REDIRECT_URI = '' } = process.env;
const issuer = `http://localhost:${PORT}`;

const policy = interactionPolicy.base();
// A device without a session is refused with login_required; consent is part of the contract.
policy.remove('consent');

const configuration: Configuration = {
  clients: [
    {
      ...(JSON.parse(CLIENT) as object),
      client_id: 'a-client',
      redirect_uris: [REDIRECT_URI],
      response_types: ['code'],
      grant_types: ['authorization_code'],
    },
  ],
  jwks: JSON.parse(keys) as JWKS,
  scopes: ['openid', 'dpv:FraudPreventionAndDetection', 'number-verification:verify'],
  pkce: { required: () => true },
  interactions: { policy },
  features: {
    devInteractions: { enabled: false },
    requestObjects: { enabled: true },
  },
  clientAuthMethods: ['private_key_jwt', 'client_secret_basic', 'client_secret_post'],
  ttl: { AccessToken: 300, AuthorizationCode: 60, IdToken: 300, Session: 60, Grant: 60, Interaction: 60 },
  findAccount: (_ctx, id) => ({ accountId: id, claims: () => ({ sub: id }) }),
  async loadExistingGrant({ oidc }) {
    const grant = new oidc.provider.Grant({
      clientId: oidc.client?.clientId ?? '',
      accountId: oidc.session?.accountId ?? '',
    });
    grant.addOIDCScope(String(oidc.params?.['scope']));
    await grant.save();
    return grant;
  },
};

const provider = new Provider(issuer, configuration);

/** Opens a session for the SIM of the device. */
async function identify(ctx: KoaContextWithOIDC): Promise<void> {
  const sim = ctx.get('x-sandbox-sim');
  if (ctx.path !== '/auth' || sim === '') return;
  const session = new provider.Session();
  session.loginAccount({ accountId: sim, loginTs: Math.floor(Date.now() / 1000) });
  await session.save(60);
  ctx.req.headers.cookie = `_session=${session.jti}`;
}

/** CAMARA Number Verification 2.1. */
async function verify(ctx: KoaContextWithOIDC): Promise<void> {
  const chunks: Buffer[] = [];
  for await (const chunk of ctx.req) chunks.push(chunk as Buffer);
  const { phoneNumber } = JSON.parse(Buffer.concat(chunks).toString()) as { phoneNumber: string };
  const token = await provider.AccessToken.find(ctx.get('authorization').replace(/^Bearer /, ''));
  if (token === undefined) {
    ctx.status = 401;
    ctx.body = { status: 401, code: 'UNAUTHENTICATED', message: 'The token is unknown.' };
    return;
  }
  await token.destroy();
  ctx.body = { devicePhoneNumberVerified: token.accountId === phoneNumber };
}

provider.use(async (ctx: KoaContextWithOIDC, next) => {
  if (ctx.path === '/number-verification/v2/verify') return verify(ctx);
  await identify(ctx);
  await next();
  return undefined;
});
provider.listen(Number(PORT), () => console.log('listening'));
