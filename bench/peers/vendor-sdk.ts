import { Auth } from '@vonage/auth';
import { AuthenticationType, Client } from '@vonage/server-client';
import { VERIFY_SCOPE } from '../../src/vonage/wire.js';
import { createPeer, type VonageCalls } from './app.js';

/** A login by the classes of the vendor's Node SDK, which makes a JWT for each call. */
const {
  PORT = '',
  VONAGE_BASE_URL = '',
  VONAGE_APPLICATION_ID: applicationId = '',
  VONAGE_PRIVATE_KEY: privateKey = '',
  PUBLIC_URL = '',
} = process.env;

class NetworkApis extends Client {
  protected override authType = AuthenticationType.JWT;

  enable: VonageCalls['enable'] = async (phoneNumber, state) => {
    const body = { phone_number: phoneNumber, scopes: [VERIFY_SCOPE], state };
    return (await this.sendPostRequest<never>(`${VONAGE_BASE_URL}/v0.1/network-enablement`, body)).data;
  };

  exchange: VonageCalls['exchange'] = async (code) => {
    const form = { grant_type: 'authorization_code', code, redirect_uri: `${PUBLIC_URL}/callback` };
    return (await this.sendFormSubmitRequest<never>(`${VONAGE_BASE_URL}/oauth2/token`, form)).data;
  };
}

/** Number Verification takes the access token of the subscriber instead. */
class NumberVerification extends Client {
  constructor(
    auth: Auth,
    private readonly accessToken: string,
  ) {
    super(auth);
  }

  override addAuthenticationToRequest: Client['addAuthenticationToRequest'] = (request) => {
    request.headers = { ...request.headers, Authorization: `Bearer ${this.accessToken}` };
    return Promise.resolve(request);
  };

  async verify(phoneNumber: string): ReturnType<VonageCalls['verify']> {
    const url = `${VONAGE_BASE_URL}/camara/number-verification/v031/verify`;
    return (await this.sendPostRequest<never>(url, { phoneNumber })).data;
  }
}

const auth = new Auth({ applicationId, privateKey });
const { enable, exchange } = new NetworkApis(auth);
createPeer({
  enable,
  exchange,
  verify: (accessToken, phoneNumber) => new NumberVerification(auth, accessToken).verify(phoneNumber),
}).listen(Number(PORT));
