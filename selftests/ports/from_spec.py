# SPDX-License-Identifier: GPL-2.0

"""
Requests that are made from a spec: around one that is right, and at random from a seed.
"""

import random as random_module
import struct
from collections import namedtuple

from message import (FORMATS, NLA_HDRLEN, NLM_F_ACK, NLM_F_DUMP, NLM_F_ECHO, NLM_F_REQUEST,
                     attribute, genl)

SEED = 1
# How many requests are in a namespace of their own, so that what differs in one changes the
# answers to few.
BATCH = 50

Random = namedtuple('Random', 'name body flags length read')


def number_bounds(codec, spec):
    """The smallest and the largest number of an attribute, by its type and its checks."""
    kind, checks = spec['type'], spec.get('checks', {})
    kind = {'uint': 'u64', 'sint': 's64'}.get(kind, kind)
    bits = 8 * struct.calcsize(FORMATS[kind])
    low, high = (0, 2 ** bits - 1) if kind[0] == 'u' else (-2 ** (bits - 1), 2 ** (bits - 1) - 1)
    low = codec.limit(checks['min']) if 'min' in checks else low
    high = codec.limit(checks['max']) if 'max' in checks else high
    return low, high


def size_bounds(codec, spec):
    """The smallest and the largest length of a text or bytes; None where there is none."""
    checks = spec.get('checks', {})
    if 'exact-len' in checks:
        return (codec.limit(checks['exact-len']),) * 2
    return tuple(codec.limit(checks[check]) if check in checks else None
                 for check in ('min-len', 'max-len'))


def is_number(spec):
    """Whether an attribute is one."""
    return spec['type'] in FORMATS or spec['type'] in ('uint', 'sint')


def encode(codec, spec, number):
    """A number as bytes, which wraps where it is beyond its type."""
    kind = {'uint': 'u64', 'sint': 's64'}.get(spec['type'], spec['type'])
    width = struct.calcsize(FORMATS[kind])
    order = 'big' if spec.get('byte-order') == 'big-endian' else 'little'
    return (number & (2 ** (8 * width) - 1)).to_bytes(width, order)


def edges(codec, spec):
    """Payloads at the bounds of an attribute, with what they are."""
    if is_number(spec):
        low, high = number_bounds(codec, spec)
        return [(f'= {number}', encode(codec, spec, number))
                for number in dict.fromkeys((low - 1, low, low + 1, high - 1, high, high + 1))]
    if spec['type'] in ('string', 'binary'):
        low, high = size_bounds(codec, spec)
        sizes = [size for bound in (low, high) if bound is not None
                 for size in (bound - 1, bound, bound + 1) if 0 <= size < 60000]
        out = [(f'of {size} bytes', b'a' * size) for size in dict.fromkeys(sizes)]
        if spec['type'] == 'string':
            out += [(f'of {size} bytes and NUL', b'a' * size + b'\0')
                    for size in dict.fromkeys(sizes)]
        return out
    return []


def around(codec, op_name, attrs, header):
    """Yields (what is wrong, the bytes behind nlmsghdr, flags to be changed)."""
    op = codec.op(op_name)
    attr_set = op.attr_set
    pairs = list(attrs.items()) if isinstance(attrs, dict) else list(attrs)
    family = codec.header(op, header)
    head = genl(op.req_value, codec.version) + family
    one = [(name, codec.attrs(attr_set, [(name, value)])) for name, value in pairs]
    full = b''.join(data for _, data in one)

    def with_one(index, data):
        return head + b''.join(data if at == index else other
                               for at, (_, other) in enumerate(one))

    yield 'as it should be', head + full, 0
    if len(one) > 1:
        yield 'in reverse', head + b''.join(data for _, data in reversed(one)), 0
    for index, (name, data) in enumerate(one):
        if isinstance(name, int):
            continue
        spec = attr_set[name]
        payload = codec.payload(spec, pairs[index][1]) if not isinstance(pairs[index][1], list) \
            or not spec.is_multi else data[NLA_HDRLEN:]
        nested = spec['type'] in ('nest', 'indexed-array')
        yield f'without {name}', with_one(index, b''), 0
        yield f'{name} twice', with_one(index, data + data), 0
        yield f'{name} without bytes', with_one(index, attribute(spec.value, b'', nested)), 0
        if payload:
            yield f'{name} a byte too short', \
                with_one(index, attribute(spec.value, payload[:-1], nested)), 0
        yield f'{name} a byte too long', \
            with_one(index, attribute(spec.value, payload + b'\0', nested)), 0
        yield f'{name} {"not " if nested else ""}marked as a nest', \
            with_one(index, attribute(spec.value, payload, not nested)), 0
        for what, edge in edges(codec, spec):
            yield f'{name} {what}', with_one(index, attribute(spec.value, edge)), 0
    highest = max(attr_set.attrs_by_val)
    for number in (0, highest + 1, 0x3fff):
        yield f'with an attribute {number}', head + full + attribute(number, b'\1\0\0\0'), 0
    yield 'with a byte behind it', head + full + b'\0', 0
    yield 'with five bytes behind it', head + full + b'\5\0\0\0\1', 0
    yield 'with an attribute of 3 bytes', head + full + attribute(1, length=3), 0
    yield 'with an attribute that is too long', head + full + attribute(1, b'\0', length=200), 0
    yield 'without attributes', head, 0
    yield 'with two bytes of the header', head[:2], 0
    yield 'without a header', b'', 0
    if family:
        yield 'with a short header of the family', head[:-1], 0
    for version in {0, 1, 2, 255} - {codec.version}:
        yield f'version {version}', genl(op.req_value, version) + family + full, 0
    yield 'with reserved bytes', genl(op.req_value, codec.version, 0xffff) + family + full, 0
    for cmd in (0, max(codec.spec.req_by_value) + 1, 255):
        yield f'as command {cmd}', genl(cmd, codec.version) + family + full, 0
    yield 'with NLM_F_ECHO', head + full, NLM_F_ECHO
    yield 'the other way, do or dump', head + full, NLM_F_DUMP
    yield 'with or without NLM_F_ACK', head + full, NLM_F_ACK
    yield 'without NLM_F_REQUEST', head + full, NLM_F_REQUEST


class Rng:
    """Random numbers by a seed; those of Python that take a range are several times slower."""

    def __init__(self, seed):
        rng = random_module.Random(seed)
        self.unit, self.randbytes, self.sample = rng.random, rng.randbytes, rng.sample

    def below(self, count):
        """A number from 0."""
        return int(self.unit() * count)

    def choice(self, values):
        """One of some values."""
        return values[int(self.unit() * len(values))]


class Maker:
    """Random requests: half are right, a quarter at the bounds, a quarter are spoiled."""

    def __init__(self, codec, values, headers, leave_out):
        self.codec, self.values, self.headers = codec, values, headers
        self.leave_out = leave_out
        self.ops = [(op, mode) for op in codec.spec.ops.values()
                    for mode in ('do', 'dump') if mode in op.modes]
        self.rng = Rng(SEED)
        self.kind = ''

    def one_in(self, count):
        """True once in so many times."""
        return self.rng.unit() * count < 1

    def payload(self, spec, depth):
        """The bytes of an attribute."""
        rng, name, kind = self.rng, spec['name'], spec['type']
        if name in self.values and not self.one_in(4):
            return self.codec.payload(spec, rng.choice(self.values[name]))
        if self.kind == 'edge':
            if self.one_in(8):
                return rng.randbytes(rng.below(20))
            choices = edges(self.codec, spec)
            if choices:
                return rng.choice(choices)[1]
        if is_number(spec):
            low, high = number_bounds(self.codec, spec)
            if spec.get('enum') and not self.one_in(4):
                entries = list(self.codec.spec.consts[spec['enum']].entries.values())
                return encode(self.codec, spec, rng.choice(entries).user_value(
                    as_flags=spec.get('enum-as-flags')))
            span = high - low
            return encode(self.codec, spec, low + (rng.below(min(span, 16) + 1)
                                                   if self.one_in(2) else
                                                   rng.below(span + 1) >> rng.below(64)))
        if kind in ('string', 'binary'):
            low, high = size_bounds(self.codec, spec)
            high = high if high is not None else (low or 0) + 16
            size = (low or 0) + rng.below(min(high - (low or 0), 64) + 1)
            if kind == 'binary':
                return rng.randbytes(size)
            return bytes(32 + rng.below(95) for _ in range(size)) + b'\0'
        if kind == 'nest' and depth < 4:
            inner = self.codec.attr_set(spec['nested-attributes'])
            return self.attrs(inner, list(inner.attrs), depth + 1)
        if kind == 'indexed-array' and depth < 4:
            inner = self.codec.attr_set(spec['nested-attributes']) \
                if spec['sub-type'] == 'nest' else None
            return b''.join(
                attribute(number, self.attrs(inner, list(inner.attrs), depth + 1)
                          if inner else rng.randbytes(4), nested=bool(inner))
                for number in range(rng.below(3)))
        if kind == 'bitfield32':
            return rng.randbytes(8)
        return b''

    def attrs(self, attr_set, names, depth=0):
        """Some of these attributes."""
        rng, out = self.rng, b''
        share = rng.below(5)
        if self.one_in(4):
            names = rng.sample(names, len(names))
        for name in names:
            spec = attr_set[name]
            # What has values to choose from is there more often.
            if rng.below(4) >= share and not (share and name in self.values and rng.below(4)):
                continue
            for _ in range(2 if self.one_in(16) else 1):
                nested = spec['type'] in ('nest', 'indexed-array')
                if self.kind == 'edge' and self.one_in(16):
                    nested = not nested
                out += attribute(spec.value, self.payload(spec, depth), nested)
        if self.kind == 'edge' and self.one_in(8):
            number = rng.choice((0, max(attr_set.attrs_by_val, default=0) + 1, rng.below(0x4000)))
            out += attribute(number, rng.randbytes(rng.below(9)))
        return out

    def spoil(self, body):
        """Some bytes of a request changed, added or left out."""
        rng, out = self.rng, bytearray(body)
        for _ in range(1 + rng.below(3)):
            at = rng.below(len(out) + 1)
            what = rng.below(5)
            if what == 0 and at < len(out):
                out[at] ^= 1 << rng.below(8)
            elif what == 1 and at < len(out):
                out[at] = rng.below(256)
            elif what == 2:
                del out[at:]
            elif what == 3:
                out += rng.randbytes(1 + rng.below(8))
            else:
                # The length of an attribute, mostly.
                at -= at % 4
                out[at:at + 2] = struct.pack('=H', rng.below(64))
        return bytes(out)

    def make(self, number):
        """The request with this number."""
        rng = self.rng
        self.kind = rng.choice(('right', 'right', 'edge', 'spoiled'))
        op, mode = rng.choice(self.ops)
        asked = ((op.yaml[mode] or {}).get('request') or {}).get('attributes', [])
        names = [name for name in asked if name in op.attr_set]
        if not names or self.one_in(8):
            names = [name for name in op.attr_set if name not in ('unspec',)]
        names = [name for name in names if op.attr_set[name]['type'] not in ('unused', 'pad') and
                 name not in self.leave_out.get(op.name, ())]
        header = self.codec.header(op)
        if header:
            header = rng.choice(self.headers) if self.headers and not self.one_in(8) else \
                rng.randbytes(len(header)) if self.one_in(2) else header
        cmd = rng.below(256) if self.one_in(64) else op.req_value
        version = rng.below(256) if self.one_in(32) else self.codec.version
        body = genl(cmd, version, rng.below(65536) if self.one_in(64) else 0) + header + \
            self.attrs(op.attr_set, names)
        if self.kind == 'spoiled':
            body = self.spoil(body)
        flags = NLM_F_REQUEST | (NLM_F_DUMP if mode == 'dump' else 0)
        if not self.one_in(4):
            flags |= NLM_F_ACK
        if self.one_in(16):
            flags ^= 1 << rng.below(16)
        length = rng.below(16 + len(body) + 8) if self.one_in(64) else None
        batch = number - number % BATCH
        return Random(f'random {batch}: {number}', body, flags, length,
                      rng.choice((4096, 8192, 32768)))


def random(codec, count, values, headers, leave_out):
    """So many requests, the same ones each time."""
    maker = Maker(codec, values, headers, leave_out)
    return [maker.make(number) for number in range(count)]
