import { generateKeyPairSync } from 'node:crypto';
import forge from 'node-forge';
import { credentials } from './credentials.js';

/** A certificate authority for one test. */
export interface Ca {
  /** PEM. */
  certificate: string;
  /** A certificate of loopback or of `host`, with its key, in PEM. Valid for a year by default. */
  issue(other?: { host?: string; days?: number }): { cert: string; key: string };
}

/** @param pem an RSA key */
function keysOf(pem: string) {
  const privateKey = forge.pki.privateKeyFromPem(pem);
  return { privateKey, publicKey: forge.pki.setRsaPublicKey(privateKey.n, privateKey.e) };
}

const DAY = 24 * 60 * 60 * 1000;
const YEAR = 365 * DAY;
let serial = 1;

function newCertificate(publicKey: forge.pki.PublicKey, subject: string, issuer: string) {
  const certificate = forge.pki.createCertificate();
  certificate.publicKey = publicKey;
  certificate.serialNumber = `0${serial++}`;
  certificate.validity.notBefore = new Date(Date.now() - YEAR);
  certificate.validity.notAfter = new Date(Date.now() + YEAR);
  certificate.setSubject([{ name: 'commonName', value: subject }]);
  certificate.setIssuer([{ name: 'commonName', value: issuer }]);
  return certificate;
}

export function newCa(name = 'test CA'): Ca {
  const { privateKey: generated } = generateKeyPairSync('rsa', { modulusLength: 2048 });
  const keys = keysOf(generated.export({ type: 'pkcs8', format: 'pem' }).toString());
  const certificate = newCertificate(keys.publicKey, name, name);
  certificate.setExtensions([{ name: 'basicConstraints', cA: true }]);
  certificate.sign(keys.privateKey, forge.md.sha256.create());
  return {
    certificate: forge.pki.certificateToPem(certificate),
    issue({ host, days = 365 } = {}) {
      // Each authority has its own key; their certificates share one.
      const { privateKeyPem: key } = credentials;
      const issued = newCertificate(keysOf(key).publicKey, 'loopback', name);
      issued.validity.notAfter = new Date(Date.now() + days * DAY);
      const loopback = [
        { type: 7, ip: '127.0.0.1' },
        { type: 2, value: 'localhost' },
      ];
      const altNames = host === undefined ? loopback : [{ type: 2, value: host }];
      issued.setExtensions([{ name: 'subjectAltName', altNames }]);
      issued.sign(keys.privateKey, forge.md.sha256.create());
      return { cert: forge.pki.certificateToPem(issued), key };
    },
  };
}
