"""Closes an order after half an hour unless it is paid before: forsund's client in Python.

Once:   apt-get install thrift-compiler python3-thrift
        thrift --gen py -out examples/python forsun.thrift
Then:   python3 examples/python/close_order.py [PORT]
"""

import sys

from thrift.protocol.TBinaryProtocol import TBinaryProtocol
from thrift.transport.TSocket import TSocket
from thrift.transport.TTransport import TBufferedTransport

from forsun import Forsun
from forsun.ttypes import ForsunPlanError

PLAN_NOT_FOUND = 1003


def close_later(client, order):
    """In 30 minutes. Doing this twice is harmless: a plan of the same key is replaced."""
    return client.createTimeout(
        key=f"order-{order}",
        second=0,
        minute=30,
        hour=-1,
        day=-1,
        month=-1,
        week=-1,
        count=1,
        action="http",
        params={"url": f"http://127.0.0.1:9/orders/{order}/close", "method": "post"},
    )


def paid(client, order):
    """True when the order is not going to be closed any more; False when it was too late."""
    try:
        client.remove(f"order-{order}")
        return True
    except ForsunPlanError as error:
        if error.code != PLAN_NOT_FOUND:
            raise
        return False


def main(port=6458):
    socket = TSocket("127.0.0.1", int(port))
    socket.setTimeout(10_000)
    transport = TBufferedTransport(socket)
    transport.open()
    client = Forsun.Client(TBinaryProtocol(transport))
    try:
        plan = close_later(client, 17)
        print(plan.key, "fires in", plan.next_fire_time - plan.created_time, "s")
        print("pending:", client.getKeys("order-"))
        print("cancelled:", paid(client, 17))
        print("cancelled again:", paid(client, 17))
    finally:
        transport.close()


if __name__ == "__main__":
    main(*sys.argv[1:])
