import { generateKeyPairSync } from 'node:crypto';
import forge from 'node-forge';

/** A certificate authority for one test. */
export interface Ca {
  /** PEM. */
  certificate: string;
  /** A certificate of loopback or of `host`, with its key, in PEM. Valid for a year by default. */
  issue(other?: { host?: string; days?: number }): { cert: string; key: string };
}

const newKeys = () => {
  const encoded = generateKeyPairSync('rsa', {
    modulusLength: 2048,
    publicKeyEncoding: { type: 'spki', format: 'pem' },
    privateKeyEncoding: { type: 'pkcs8', format: 'pem' },
  });
  return {
    pem: encoded.privateKey,
    publicKey: forge.pki.publicKeyFromPem(encoded.publicKey),
    privateKey: forge.pki.privateKeyFromPem(encoded.privateKey),
  };
};

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
  const keys = newKeys();
  const certificate = newCertificate(keys.publicKey, name, name);
  certificate.setExtensions([{ name: 'basicConstraints', cA: true }]);
  certificate.sign(keys.privateKey, forge.md.sha256.create());
  return {
    certificate: forge.pki.certificateToPem(certificate),
    issue({ host, days = 365 } = {}) {
      const own = newKeys();
      const issued = newCertificate(own.publicKey, 'loopback', name);
      issued.validity.notAfter = new Date(Date.now() + days * DAY);
      const loopback = [
        { type: 7, ip: '127.0.0.1' },
        { type: 2, value: 'localhost' },
      ];
      const altNames = host === undefined ? loopback : [{ type: 2, value: host }];
      issued.setExtensions([{ name: 'subjectAltName', altNames }]);
      issued.sign(keys.privateKey, forge.md.sha256.create());
      return { cert: forge.pki.certificateToPem(issued), key: own.pem };
    },
  };
}
