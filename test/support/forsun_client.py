"""A client of forsun.thrift on Debian's python3-thrift, its messages written field by field.

Usage: forsun_client.py PORT buffered|framed binary|compact
Calls every method in turn; prints one JSON line per answer.
"""

import json
import sys

from thrift.Thrift import TApplicationException, TMessageType, TType
from thrift.protocol.TBinaryProtocol import TBinaryProtocol
from thrift.protocol.TCompactProtocol import TCompactProtocol
from thrift.transport.TSocket import TSocket
from thrift.transport.TTransport import TBufferedTransport, TFramedTransport


def write_value(protocol, kind, value):
    if kind == TType.I16:
        protocol.writeI16(value)
    elif kind == TType.I32:
        protocol.writeI32(value)
    elif kind == TType.STRING:
        protocol.writeString(value)
    else:
        protocol.writeMapBegin(TType.STRING, TType.STRING, len(value))
        for name, text in value.items():
            protocol.writeString(name)
            protocol.writeString(text)
        protocol.writeMapEnd()


def read_value(protocol, kind):
    if kind == TType.BOOL:
        return protocol.readBool()
    if kind == TType.I16:
        return protocol.readI16()
    if kind == TType.I32:
        return protocol.readI32()
    if kind == TType.I64:
        return protocol.readI64()
    if kind == TType.STRING:
        return protocol.readString()
    if kind == TType.STRUCT:
        return read_struct(protocol)
    if kind == TType.MAP:
        key_kind, value_kind, size = protocol.readMapBegin()
        entries = {
            read_value(protocol, key_kind): read_value(protocol, value_kind) for _ in range(size)
        }
        protocol.readMapEnd()
        return entries
    element_kind, size = protocol.readListBegin()
    elements = [read_value(protocol, element_kind) for _ in range(size)]
    protocol.readListEnd()
    return elements


def read_struct(protocol):
    fields = {}
    protocol.readStructBegin()
    while True:
        _, kind, field_id = protocol.readFieldBegin()
        if kind == TType.STOP:
            break
        fields[field_id] = read_value(protocol, kind)
        protocol.readFieldEnd()
    protocol.readStructEnd()
    return fields


def call(protocol, method, *fields):
    protocol.writeMessageBegin(method, TMessageType.CALL, 0)
    protocol.writeStructBegin(method + "_args")
    for field_id, kind, value in fields:
        protocol.writeFieldBegin("", kind, field_id)
        write_value(protocol, kind, value)
        protocol.writeFieldEnd()
    protocol.writeFieldStop()
    protocol.writeStructEnd()
    protocol.writeMessageEnd()
    protocol.trans.flush()

    _, kind, _ = protocol.readMessageBegin()
    if kind == TMessageType.EXCEPTION:
        exception = TApplicationException()
        exception.read(protocol)
        answer = {"exception": exception.type, "message": exception.message}
    else:
        answer = read_struct(protocol)
    protocol.readMessageEnd()
    print(json.dumps([method, answer]))


def main(port, transport, encoding):
    socket = TSocket("127.0.0.1", int(port))
    socket.setTimeout(20000)
    transport = (TFramedTransport if transport == "framed" else TBufferedTransport)(socket)
    protocol = (TCompactProtocol if encoding == "compact" else TBinaryProtocol)(transport)
    transport.open()
    params = {"cmd": "true", "note": "\u00fcn\u00efcode \u2713 \U0001f600"}
    call(protocol, "ping")
    call(
        protocol,
        "createTimeout",
        (1, TType.STRING, "a"),
        (2, TType.I16, 5),
        (9, TType.STRING, "shell"),
        (10, TType.MAP, params),
    )
    call(
        protocol,
        "create",
        (1, TType.STRING, "c"),
        (2, TType.I16, 0),
        (3, TType.I16, 32),
        (4, TType.I16, 16),
        (9, TType.MAP, params),
    )
    call(protocol, "get", (1, TType.STRING, "a"))
    call(protocol, "getTime", (1, TType.I32, 1700000005))
    call(protocol, "getCurrent")
    call(protocol, "getKeys", (1, TType.STRING, "*"))
    call(protocol, "remove", (1, TType.STRING, "a"))
    call(protocol, "get", (1, TType.STRING, "a"))
    call(protocol, "info")
    call(protocol, "forsun_call", (1, TType.STRING, "a"), (2, TType.I32, 1))
    call(protocol, "nope")
    transport.close()


main(*sys.argv[1:])
