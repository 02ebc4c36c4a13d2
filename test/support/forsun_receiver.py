"""A Thrift server whose forsun_call notes what it is called with, on Debian's python3-thrift.

Usage: forsun_receiver.py GENERATED buffered|framed binary|compact
GENERATED is where the thrift compiler laid the Python code of forsun.thrift. Prints its port, then one JSON
line per call. A key that begins with "raise" makes it raise.
"""

import json
import logging
import sys

sys.path.insert(0, sys.argv[1])

from forsun import Forsun  # noqa: E402
from thrift.protocol.TBinaryProtocol import TBinaryProtocolFactory  # noqa: E402
from thrift.protocol.TCompactProtocol import TCompactProtocolFactory  # noqa: E402
from thrift.server.TServer import TThreadedServer  # noqa: E402
from thrift.transport.TSocket import TServerSocket  # noqa: E402
from thrift.transport.TTransport import (  # noqa: E402
    TBufferedTransportFactory,
    TFramedTransportFactory,
)


def say(value):
    print(json.dumps(value), flush=True)


class Receiver:
    def forsun_call(self, key, ts, params):
        say({"key": key, "ts": ts, "params": params})
        if key.startswith("raise"):
            raise ValueError("the order is s3cret")


class Announced(TServerSocket):
    def listen(self):
        super().listen()
        say({"port": self.handle.getsockname()[1]})


logging.disable()
transports = {"buffered": TBufferedTransportFactory, "framed": TFramedTransportFactory}
protocols = {"binary": TBinaryProtocolFactory, "compact": TCompactProtocolFactory}
server = TThreadedServer(
    Forsun.Processor(Receiver()),
    Announced(host="127.0.0.1", port=0),
    transports[sys.argv[2]](),
    protocols[sys.argv[3]](),
    daemon=True,
)
server.serve()
