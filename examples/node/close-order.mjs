// Closes an order after half an hour unless it is paid before: forsund's client in Node.
//
// npm run build && node examples/node/close-order.mjs [PORT]
import { ForsunClient, ForsunPlanError } from 'forsun';

const PLAN_NOT_FOUND = 1003;

const port = Number(process.argv[2] ?? 6458);
const client = new ForsunClient({ port });

/** In 30 minutes. Doing this twice is harmless: a plan of the same key is replaced. */
const closeLater = (order) =>
  client.createTimeout({
    key: `order-${order}`,
    minute: 30,
    action: 'http',
    params: { url: `http://127.0.0.1:9/orders/${order}/close`, method: 'post' },
  });

/** True when the order is not going to be closed any more; false when it was too late. */
async function paid(order) {
  try {
    await client.remove(`order-${order}`);
    return true;
  } catch (error) {
    if (error instanceof ForsunPlanError && error.code === PLAN_NOT_FOUND) return false;
    throw error;
  }
}

const plan = await closeLater(17);
console.log(plan.key, 'fires in', plan.nextFireTime - plan.createdTime, 's');
console.log('pending:', await client.getKeys('order-'));
console.log('cancelled:', await paid(17));
console.log('cancelled again:', await paid(17));
client.close();
