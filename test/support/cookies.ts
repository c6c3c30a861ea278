/** Node's `fetch` with a cookie jar for one server. */
export function fetchWithCookies(): typeof fetch {
  const jar = new Map<string, string>();
  return async (address, request) => {
    const headers = new Headers(request?.headers);
    if (jar.size > 0) headers.set('cookie', [...jar].map((pair) => pair.join('=')).join('; '));
    const answer = await fetch(address, { ...request, headers });
    for (const cookie of answer.headers.getSetCookie()) {
      const [, name = '', value = ''] = /^([^=]+)=([^;]*)/.exec(cookie) ?? [];
      jar.set(name, value);
    }
    return answer;
  };
}
