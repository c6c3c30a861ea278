/** A device is sent to listed hosts alone, over https; plain http is for a sandbox on this very machine. */
export function isAllowedLink(link: string, hosts: readonly string[]): boolean {
  if (!URL.canParse(link)) return false;
  const url = new URL(link);
  if (url.username !== '' || url.password !== '') return false;
  const secure = url.protocol === 'https:' || (url.protocol === 'http:' && url.hostname === 'localhost');
  return secure && hosts.includes(url.host);
}
