/** The token in an `Authorization` header (RFC 6750, 2.1); undefined where there is none. */
export const bearerIn = (authorization: string | undefined): string | undefined =>
  /^Bearer (\S+)$/i.exec(authorization ?? '')?.[1];
