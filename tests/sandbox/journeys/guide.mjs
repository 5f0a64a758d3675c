/*
 * The guide's whole journey with OVHcloud's own Node client, unmodified, over TLS.
 *
 *   make node
 *   python -m sandbox --port 0 --tls-port 0 --ready-file sandbox.json &
 *   curl -d '{"speed": 60}' <address of sandbox.json>/_control/pace
 *   NODE_EXTRA_CA_CERTS=<ca_file of sandbox.json> NODE_PATH=.venv/journeys/node_modules \
 *     .venv/bin/node tests/sandbox/journeys/guide.mjs sandbox.json
 *
 * The client signs https://host/path without the port, and nothing whose path holds /auth. It is told which APIs are
 * used, so that it loads their schema documents and warns of every call that these do not describe.
 */
import { createRequire } from 'node:module';
import { readFileSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';

const require = createRequire(import.meta.url);
// A module of this kind does not look at NODE_PATH; require.resolve does when it is told where.
const { default: connect } = await import(require.resolve('@ovhcloud/node-ovh', { paths: (process.env.NODE_PATH ?? '.').split(':') }));

const ready = JSON.parse(readFileSync(process.argv[2], 'utf-8'));
const tls = new URL(ready.tls);
const customer = ready.customers[0];
const open = connect.default ?? connect;
const warnings = [];
const client = open({
  host: tls.hostname,
  port: Number(tls.port),
  basePath: '/1.0',
  appKey: ready.api.application_key,
  appSecret: ready.api.application_secret,
  consumerKey: customer.consumer_key,
  timeout: 10_000,
  apis: ['me', 'order', 'auth'],
  warn: (...words) => warnings.push(words.join(' ')),
});

const call = (method, path, sent) => client.requestPromised(method, path, sent);
const say = (text) => process.stdout.write(text + '\n');
const expect = (fact, words) => {
  if (!fact) throw new Error(words);
};

async function cart() {
  const me = await call('GET', '/me');
  const { cartId } = await call('POST', '/order/cart', { ovhSubsidiary: me.ovhSubsidiary, description: 'guide' });
  say(`cart ${cartId} of ${me.nichandle}`);
  return `/order/cart/${cartId}`;
}

async function finish(at, wanted) {
  const summary = await call('GET', `${at}/summary`);
  say(`summary ${summary.prices.withTax.text}`);
  await call('POST', `${at}/assign`);
  say('assigned');
  const tried = await call('GET', `${at}/checkout`);
  expect(summary.prices.withTax.value === tried.prices.withTax.value, 'summary and dry run differ');
  say(`dry run with ${tried.contracts.length} contracts`);
  const order = await call('POST', `${at}/checkout`, wanted);
  expect((await call('GET', at)).readOnly, 'the cart is still open');
  say(`order ${order.orderId} of ${order.prices.withTax.text}`);
  return order.orderId;
}

async function orderDomain() {
  const at = await cart();
  const offers = await call('GET', `${at}/domain`, { domain: 'voyage-en-noeud.fr' });
  say(`offer ${offers[0].offerId}`);
  const item = await call('POST', `${at}/domain`, { domain: 'voyage-en-noeud.fr', duration: offers[0].duration[0] });
  const asked = await call('GET', `${at}/item/${item.itemId}/requiredConfiguration`);
  expect(asked.some((one) => one.label === 'OWNER_LEGAL_AGE'), 'nobody asks for the age');
  say(`asked for ${asked.map((one) => one.label).join(', ')}`);
  await call('POST', `${at}/item/${item.itemId}/configuration`, { label: 'OWNER_LEGAL_AGE', value: 'true' });
  return finish(at, { autoPayWithPreferredPaymentMethod: true, waiveRetractationPeriod: true });
}

async function orderVps() {
  const at = await cart();
  const [plan] = await call('GET', `${at}/vps`);
  const wanted = { duration: 'P1M', pricingMode: 'default', quantity: 1 };
  const item = await call('POST', `${at}/vps`, { planCode: plan.planCode, ...wanted });
  const options = await call('GET', `${at}/vps/options`, { planCode: plan.planCode });
  const option = options.find((one) => one.mandatory);
  await call('POST', `${at}/vps/options`, { itemId: item.itemId, planCode: option.planCode, ...wanted });
  say(`option ${option.planCode}`);
  const asked = await call('GET', `${at}/item/${item.itemId}/requiredConfiguration`);
  say(`asked for ${asked.map((one) => one.label).join(', ')}`);
  await call('POST', `${at}/item/${item.itemId}/configuration`, { label: 'vps_datacenter', value: 'GRA' });
  return finish(at, {});
}

async function follow(order, until) {
  for (let tries = 0; tries < 300; tries += 1) {
    const status = await call('GET', `/me/order/${order}/status`);
    if (until.includes(status)) {
      const steps = await call('GET', `/me/order/${order}/followUp`);
      say(`${status}: ${steps.map((one) => `${one.step} ${one.status}`).join(', ')}`);
      return;
    }
    await sleep(100);
  }
  throw new Error(`order ${order} never became ${until}`);
}

const domain = await orderDomain();
const vps = await orderVps();
const [method] = await call('GET', '/me/payment/method', { default: true });
await call('POST', `/me/order/${vps}/pay`, { paymentMethod: { id: method } });
say(`paid, ${(await call('GET', `/me/order/${vps}/payment`)).paymentType}`);
await follow(domain, ['delivered']);
await follow(vps, ['delivered']);
await call('POST', `/me/order/${vps}/retraction`, { reason: 'other', comment: 'déjà vu' });
await follow(vps, ['cancelling', 'cancelled']);
try {
  await call('POST', `/me/order/${vps}/retraction`, { reason: 'other' });
  throw new Error('a second withdrawal was taken');
} catch (refusal) {
  expect(refusal.error === 400, `refused as ${JSON.stringify(refusal.error)}`);
}
expect(warnings.length === 0, `the schema documents do not know: ${warnings.join('; ')}`);

// The same account by OAuth2, which signs nothing; no schema document tells of /me/api.
const { clientId, clientSecret } = await call('POST', '/me/api/oauth2/client', {
  callbackUrls: [], flow: 'CLIENT_CREDENTIALS', name: 'guide', description: 'goes the way of the guide',
});
const service = open({
  host: tls.hostname, port: Number(tls.port), basePath: '/1.0', clientID: clientId, clientSecret, tokenURL: `${ready.tls}/auth/`,
});
expect((await service.requestPromised('GET', '/me')).nichandle === customer.nichandle, 'OAuth2 leads to another account');
say('signed in by OAuth2');
say('the whole way');
