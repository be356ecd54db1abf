# SPDX-License-Identifier: GPL-2.0

"""
Messages of a family by its spec: attributes by their names to bytes, and bytes back
to names and lines. The spec is read by the kernel's own reader, nlspec.py of YNL. Its
client is not used: it sends what is right, in its own order, and here most is wrong.
"""

import importlib
import os
import struct
import sys
import types
from collections import namedtuple
from pathlib import Path

YNL = Path(os.environ.get('YNL', '/usr/src/linux/tools/net/ynl/pyynl'))

NLMSG_ERROR, NLMSG_DONE = 2, 3
NLM_F_REQUEST, NLM_F_MULTI, NLM_F_ACK, NLM_F_ECHO = 1, 2, 4, 8
NLM_F_DUMP_INTR, NLM_F_CAPPED, NLM_F_ACK_TLVS, NLM_F_DUMP = 0x10, 0x100, 0x200, 0x300
NLA_F_NESTED, NLA_F_NET_BYTEORDER, NLA_TYPE_MASK = 0x8000, 0x4000, 0x3fff
NLMSG_HDRLEN, GENL_HDRLEN, NLA_HDRLEN = 16, 4, 4

FORMATS = {'u8': 'B', 'u16': 'H', 'u32': 'I', 'u64': 'Q',
           's8': 'b', 's16': 'h', 's32': 'i', 's64': 'q'}
EXTACK = {1: 'msg', 2: 'offset', 3: 'cookie', 4: 'policy', 5: 'miss-type', 6: 'miss-nest'}

# An attribute of a message. 'value' is a number, a text, True, bytes, or what is in a
# nest; 'offset' is where its payload begins, 'number' its type with the flags.
Attr = namedtuple('Attr', 'name number offset payload value padding')


def align(length):
    """To the next multiple of four."""
    return (length + 3) & ~3


def attribute(number, payload=b'', nested=False, length=None):
    """The bytes of one attribute; 'length' is what its header says, if that is wrong."""
    length = NLA_HDRLEN + len(payload) if length is None else length
    head = struct.pack('=HH', length, number | (NLA_F_NESTED if nested else 0))
    return head + payload + bytes(align(len(payload)) - len(payload))


def genl(cmd, version=1, reserved=0):
    """The header of generic netlink."""
    return struct.pack('=BBH', cmd, version, reserved)


def message(number, body, flags, seq, length=None):
    """A whole message; 'length' is what its header says, if that is wrong."""
    length = NLMSG_HDRLEN + len(body) if length is None else length
    return struct.pack('=IHHII', length, number, flags, seq, 0) + body


def pyynl(name):
    """A module of the kernel's YNL, whose package would import more than is needed."""
    if 'pyynl_lib' not in sys.modules:
        package = types.ModuleType('pyynl_lib')
        package.__path__ = [str(YNL / 'lib')]
        sys.modules['pyynl_lib'] = package
    return importlib.import_module(f'pyynl_lib.{name}')


def read_spec(path):
    """A spec by the kernel's reader."""
    # No schema: validating against it takes long, and is the linter's task.
    return pyynl('nlspec').SpecFamily(str(path), schema_path='')


def kernel_spec(name):
    """The kernel's own."""
    return YNL.parents[3] / f'Documentation/netlink/specs/{name}.yaml'


def spec_path(name):
    """The spec of a port is beside its cases; others are the kernel's."""
    for path in (Path(__file__).resolve().parent / f'{name}.yaml', kernel_spec(name)):
        if path.exists():
            return path
    raise FileNotFoundError(f'there is no spec {name}.yaml')


class Codec:
    """What the spec of one family knows of its messages."""

    def __init__(self, name):
        self.spec = read_spec(spec_path(name))
        self.version = self.spec.yaml.get('version', 1)

    # To bytes

    def attr_set(self, name):
        """The set of this name."""
        return self.spec.attr_sets[name]

    def limit(self, value):
        """A limit of the spec, which may have a name: a constant, or that of a type."""
        for name, const in self.spec.consts.items():
            if const['type'] == 'const' and value in (name, const.get('name-prefix', '') + name):
                return const['value']
        if isinstance(value, str):
            kind, end = value.rsplit('-', 1)
            bits = 8 * struct.calcsize(FORMATS[kind])
            high = 2 ** (bits - (kind[0] == 's')) - 1
            return high if end == 'max' else (-high - 1 if kind[0] == 's' else 0)
        return value

    def number(self, spec, value, width=None):
        """A number of the spec as bytes; it may be the name of an entry of its enum."""
        if isinstance(value, str):
            entry = self.spec.consts[spec['enum']].entries[value]
            value = entry.user_value(as_flags=spec.get('enum-as-flags'))
        kind = spec['type'] if spec['type'] in FORMATS else spec['sub-type'] \
            if spec.get('sub-type') in FORMATS else None
        if kind is None:
            width = width or (4 if -2 ** 31 <= value < 2 ** 31 + (spec['type'] == 'uint') * 2 ** 31
                              else 8)
            kind = f'{"u" if spec["type"] == "uint" else "s"}{8 * width}'
        order = '>' if spec.get('byte-order') == 'big-endian' else '='
        return struct.pack(order + FORMATS[kind], value)

    def struct(self, name, values):
        """A structure of the spec; what is not given is zero."""
        out = b''
        for member in self.spec.consts[name]:
            if member.type == 'pad':
                out += bytes(member.len)
            elif member.type == 'binary':
                out += values.get(member.name, b'').ljust(member.len or 0, b'\0')
            else:
                out += self.number(member, values.get(member.name, 0))
        return out

    def payload(self, spec, value):
        """The payload of an attribute. Bytes are taken as they are."""
        kind = spec['type']
        if isinstance(value, (bytes, bytearray)):
            return bytes(value)
        if kind in FORMATS or kind in ('uint', 'sint'):
            return self.number(spec, value)
        if kind == 'flag':
            return b''
        if kind == 'string':
            return value.encode() + b'\0'
        if kind == 'nest':
            return self.attrs(self.attr_set(spec['nested-attributes']), value)
        if kind == 'binary' and isinstance(value, dict):
            return self.struct(spec['struct'], value)
        if kind == 'binary' and isinstance(value, list):
            return b''.join(self.number(spec, number) for number in value)
        if kind == 'bitfield32':
            return struct.pack('=II', *value)
        if kind == 'indexed-array':
            # A list counts from 0; a dict has numbers of its own.
            numbered = value.items() if isinstance(value, dict) else enumerate(value)
            return b''.join(self.element(spec, number, element) for number, element in numbered)
        raise TypeError(f'{spec["name"]}: {value!r} is no {kind}: give bytes')

    def element(self, spec, number, value):
        """One element of an indexed array."""
        if spec['sub-type'] == 'nest':
            if not isinstance(value, bytes):
                value = self.attrs(self.attr_set(spec['nested-attributes']), value)
            return attribute(number, value, nested=True)
        return attribute(number, value if isinstance(value, bytes) else self.number(spec, value))

    def attrs(self, attr_set, values):
        """
        Attributes as bytes. 'values' is a dict, or a list of pairs where the order or one
        that is there twice matters. A name may be a number, with bytes. A list is one
        attribute for each of its elements where the spec says multi-attr.
        """
        out = b''
        for name, value in values.items() if isinstance(values, dict) else values:
            if isinstance(name, int):
                out += attribute(name, value)
                continue
            spec = attr_set[name]
            many = value if spec.is_multi and isinstance(value, list) else [value]
            for one in many:
                if one is not False:
                    out += attribute(spec.value, self.payload(spec, one),
                                     nested=spec.type in ('nest', 'indexed-array'))
        return out

    def op(self, name):
        """An operation by its name."""
        return self.spec.ops[name]

    def header(self, op, values=None):
        """The header of the family behind that of generic netlink, if it has one."""
        if isinstance(values, bytes):
            return values
        name = op.fixed_header or self.spec.fixed_header
        return self.struct(name, values or {}) if name else b''

    def header_size(self):
        """Of the family's own header."""
        name = self.spec.fixed_header
        return len(self.struct(name, {})) if name else 0

    # From bytes

    def value(self, spec, data, offset):
        """What an attribute says."""
        kind = spec['type'] if spec is not None else 'binary'
        if kind in FORMATS and len(data) == struct.calcsize(FORMATS[kind]):
            order = '>' if spec.get('byte-order') == 'big-endian' else '='
            return struct.unpack(order + FORMATS[kind], data)[0]
        if kind in ('uint', 'sint') and len(data) in (4, 8):
            return int.from_bytes(data, sys.byteorder, signed=kind == 'sint')
        if kind == 'flag' and not data:
            return True
        if kind == 'string' and data.endswith(b'\0') and data[:-1].isascii():
            return data[:-1].decode()
        if kind == 'nest':
            return self.parse(data, self.attr_set(spec['nested-attributes']), offset)
        if kind == 'indexed-array':
            inner = self.attr_set(spec['nested-attributes']) if spec['sub-type'] == 'nest' else None
            return [attr._replace(value=self.parse(attr.payload, inner, attr.offset))
                    if inner else attr for attr in self.parse(data, None, offset)]
        if kind == 'nest-type-value':
            return self.typed(data, offset, len(spec['type-value']),
                              self.attr_set(spec['nested-attributes']))
        return data

    def typed(self, data, offset, levels, attr_set):
        """Nests whose types are values."""
        if not levels:
            return self.parse(data, attr_set, offset)
        return [attr._replace(value=self.typed(attr.payload, attr.offset, levels - 1, attr_set))
                for attr in self.parse(data, None, offset)]

    def parse(self, data, attr_set, offset=0):
        """All attributes in some bytes. What is none has the name '?'."""
        out, at = [], 0
        while at < len(data):
            left = len(data) - at
            length, number = struct.unpack_from('=HH', data, at) if left >= 4 else (0, 0)
            if not NLA_HDRLEN <= length <= left:
                out.append(Attr('?', -1, offset + at, data[at:], data[at:], b''))
                break
            payload = data[at + NLA_HDRLEN:at + length]
            padding = data[at + length:at + align(length)]
            plain = number & NLA_TYPE_MASK
            spec = attr_set.attrs_by_val.get(plain) if attr_set else None
            name = spec.name if spec else f'[{plain}]'
            start = offset + at + NLA_HDRLEN
            value = self.value(spec, payload, start)
            out.append(Attr(name, number, start, payload, value, padding))
            at += align(length)
        return out

    def show(self, attrs, indent):
        """Lines that say all of some attributes."""
        lines = []
        for attr in attrs:
            extra = ''
            if attr.number >= 0 and attr.number & NLA_F_NET_BYTEORDER:
                extra += ' net-byteorder'
            if attr.number >= 0 and attr.number & NLA_F_NESTED:
                extra += ' nested'
            if attr.padding.strip(b'\0'):
                extra += f' padding {attr.padding.hex()}'
            if isinstance(attr.value, list):
                lines.append(f'{indent}{attr.name}{extra}:')
                lines += self.show(attr.value, indent + '  ')
            elif isinstance(attr.value, bytes):
                lines.append(f'{indent}{attr.name}{extra}: {len(attr.value)} bytes '
                             f'{attr.value.hex()}')
            else:
                lines.append(f'{indent}{attr.name}{extra}: {attr.value!r}')
        return lines


class Reply:
    """
    A message that has been read: 'kind' is 'reply', 'error', 'ack', 'done' or 'other';
    of a reply there are 'cmd' and 'attrs', of the others 'errno' and 'extack'.
    """

    def __init__(self, codec, data, family):
        self.data = data
        self.length, self.type, self.flags, self.seq, self.port = \
            struct.unpack_from('=IHHII', data)
        self.codec = codec
        self.cmd = self.version = self.reserved = self.errno = None
        self.header, self.extack, self.quote = b'', {}, b''
        self._attrs = None
        body = data[NLMSG_HDRLEN:self.length]
        self.kind = 'other'
        if self.type == family and len(body) >= GENL_HDRLEN:
            self.kind = 'reply'
            self.read_reply(body)
        elif self.type in (NLMSG_ERROR, NLMSG_DONE) and len(body) >= 4:
            self.read_error(body)

    def read_reply(self, body):
        """A message of the family."""
        self.cmd, self.version, self.reserved = struct.unpack_from('=BBH', body)
        op = self.codec.spec.rsp_by_value.get(self.cmd)
        fixed = len(self.codec.header(op)) if op else self.codec.header_size()
        self.header = body[GENL_HDRLEN:GENL_HDRLEN + fixed]
        self._attrs = body[GENL_HDRLEN + fixed:], op.attr_set if op else None, \
            NLMSG_HDRLEN + GENL_HDRLEN + fixed

    @property
    def attrs(self):
        """The attributes of a reply; they are read when they are first asked for."""
        if not isinstance(self._attrs, list):
            self._attrs = self.codec.parse(*self._attrs) if self._attrs else []
        return self._attrs

    def read_error(self, body):
        """NLMSG_ERROR and NLMSG_DONE, and the extended ack of either."""
        self.errno = -struct.unpack_from('=i', body)[0]
        self.kind, rest = 'done', body[4:]
        if self.type == NLMSG_ERROR:
            self.kind = 'error' if self.errno else 'ack'
            end = NLMSG_HDRLEN
            if len(rest) >= NLMSG_HDRLEN and self.errno and not self.flags & NLM_F_CAPPED:
                end = align(struct.unpack_from('=I', rest)[0])
            self.quote, rest = rest[:end], rest[end:]
        if self.flags & NLM_F_ACK_TLVS:
            for attr in self.codec.parse(rest, None):
                name = EXTACK.get(attr.number & NLA_TYPE_MASK, attr.name)
                value = attr.payload
                if name == 'msg':
                    value = attr.payload.rstrip(b'\0').decode(errors='backslashreplace')
                elif name in ('offset', 'miss-type', 'miss-nest') and len(value) == 4:
                    value = struct.unpack('=I', value)[0]
                self.extack[name] = value

    def __getitem__(self, name):
        """The value of the first attribute of this name."""
        for attr in self.attrs:
            if attr.name == name:
                return attr.value
        raise KeyError(name)

    def get(self, name, default=None):
        """The same, or the default where there is none."""
        try:
            return self[name]
        except KeyError:
            return default

    def lines(self):
        """All that it says, and all of its bytes behind the header."""
        head = f'{self.kind} flags {self.flags:#x} length {self.length} seq {self.seq} ' \
            f'port {self.port}'
        if self.kind == 'reply':
            op = self.codec.spec.rsp_by_value.get(self.cmd)
            head += f' command {op.name if op else self.cmd} version {self.version}'
            if self.reserved:
                head += f' reserved {self.reserved:#x}'
            if self.header:
                head += f' header {self.header.hex()}'
        elif self.kind == 'other':
            head += f' type {self.type}'
        else:
            head += f' errno {self.errno}' + ''.join(
                f' {name} {value!r}' for name, value in self.extack.items())
        return [head, *self.codec.show(self.attrs, '    '),
                '    | ' + self.data[NLMSG_HDRLEN:].hex()]


def split(data):
    """The messages of a datagram; what is none is one of its own."""
    out, at = [], 0
    while at < len(data):
        left = len(data) - at
        length = struct.unpack_from('=I', data, at)[0] if left >= NLMSG_HDRLEN else 0
        if not NLMSG_HDRLEN <= length <= left:
            out.append(data[at:])
            break
        out.append(data[at:at + align(length)])
        at += align(length)
    return out
