import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { seriousIssues } from '../support/axe.js';
import { describeInBrowser, listenTo, useBrowser } from '../support/browser.js';
import { openCamara, type Changes, type OpenCamara } from './open-camara.js';

describeInBrowser('the consent page in a browser', () => {
  const stage = useBrowser();
  const app = createServer((_req, res) => res.end('<!doctype html><title>Back</title>'));
  let redirect_uri: string;
  let operator: OpenCamara;
  beforeAll(async () => {
    await once(app.listen(0, '127.0.0.1'), 'listening');
    redirect_uri = `http://127.0.0.1:${(app.address() as AddressInfo).port}/callback`;
    operator = await openCamara({ redirectUri: redirect_uri });
  });
  afterAll(() => {
    operator.close();
    app.close();
    app.closeAllConnections();
  });

  const open = async (javaScriptEnabled: boolean) => {
    const context = await stage.browser.newContext({ javaScriptEnabled });
    const { page } = stage.meet({ context, page: await context.newPage() });
    listenTo(page, stage.complaints);
    const all: Changes = operator.parameters({
      redirect_uri,
      login_hint: 'tel:+447700900115',
      prompt: 'login',
    });
    await page.goto(
      `${operator.issuer}/authorize?${new URLSearchParams(all as Record<string, string>).toString()}`,
    );
    return page;
  };

  test('has no serious accessibility issue', async () => {
    expect(await seriousIssues(await open(true))).toEqual([]);
  });

  test.each([
    ['Deny', /\/callback\?error=access_denied&/],
    ['Allow', /\/callback\?code=[\w-]{43}&state=the-state&iss=/],
  ])('works without script: %s', async (name, url) => {
    const page = await open(false);
    await page.getByRole('button', { name }).click();
    await page.waitForURL(url);
  });
});
