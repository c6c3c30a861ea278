import { once } from 'node:events';
import { connect, type AddressInfo } from 'node:net';
import express from 'express';
import { onClose } from '../../src/sandbox/http/requests.js';
import { until } from '../support/until.js';

test('onClose runs its work once, when the answer is sent or the connection closes', async () => {
  const over: string[] = [];
  const app = express();
  // The first is answered, the second is pending, and the third waits behind it.
  app.get('/:name', ({ params: { name } }, res) => {
    onClose(res, () => over.push(name));
    if (name === 'first') res.end();
  });
  const server = app.listen(0);
  await once(server, 'listening');
  const socket = connect((server.address() as AddressInfo).port, 'localhost');
  const paths = ['first', 'second', 'third'];
  socket.write(paths.map((path) => `GET /${path} HTTP/1.1\r\nHost: a\r\n\r\n`).join(''));
  await until(() => Promise.resolve(over.length === 1));
  expect(over).toEqual(['first']);
  socket.destroy();
  await until(() => Promise.resolve(over.length >= 3));
  server.close();
  await once(server, 'close');
  expect(over.sort()).toEqual(['first', 'second', 'third']);
});
