import { Auth } from '@vonage/auth';
import axios from 'axios';
import { VERIFY_SCOPE } from '../../src/vonage/wire.js';
import { createPeer } from './app.js';

/**
 * A login as the vendor's tutorial writes it: axios with its defaults, and a new JWT for each call.
 */
const {
  PORT = '',
  VONAGE_BASE_URL = '',
  VONAGE_APPLICATION_ID: applicationId = '',
  VONAGE_PRIVATE_KEY: privateKey = '',
  PUBLIC_URL = '',
} = process.env;
const auth = new Auth({ applicationId, privateKey });

async function post<T>(path: string, data: object, authorization: string): Promise<T> {
  return (await axios.post<T>(`${VONAGE_BASE_URL}${path}`, data, { headers: { authorization } })).data;
}

createPeer({
  enable: async (phoneNumber, state) =>
    post(
      '/v0.1/network-enablement',
      { phone_number: phoneNumber, scopes: [VERIFY_SCOPE], state },
      await auth.createBearerHeader(),
    ),
  exchange: async (code) =>
    post(
      '/oauth2/token',
      new URLSearchParams({ code, redirect_uri: `${PUBLIC_URL}/callback`, grant_type: 'authorization_code' }),
      await auth.createBearerHeader(),
    ),
  verify: (accessToken, phoneNumber) =>
    post('/camara/number-verification/v031/verify', { phoneNumber }, `Bearer ${accessToken}`),
}).listen(Number(PORT));
