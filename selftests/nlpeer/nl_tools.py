#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0

"""
nlpeer as others see it: the kernel's YNL client, iproute2, libnl and kmod. What
they report is compared with the spec, by which neither they nor the module's
code were written. One program for all, since importing YNL takes seconds on an
emulated machine.
"""

import errno
import os
import re
import shutil
import socket
import subprocess
import sys
import time
from pathlib import Path

from ktap import Failure, Skip, equal, ktap_run, skip_all

HERE = Path(__file__).resolve().parent


def find_spec():
    """The spec lies beside the tests, where the Makefile puts both."""
    path = HERE / 'nlpeer.yaml'
    return path if path.exists() else skip_all('nlpeer.yaml is not beside the tests')


def find_ynl():
    """The folder tools/net/ynl/pyynl of a kernel tree; specs are in the same tree."""
    path = Path(os.environ.get('YNL', '/usr/src/linux/tools/net/ynl/pyynl'))
    if not (path / 'lib/ynl.py').exists():
        skip_all(f'no YNL in {path}: set YNL to tools/net/ynl/pyynl of a kernel tree')
    return path


SPEC = find_spec()
YNL = find_ynl()
sys.path.append(str(YNL.parent))
try:
    # pylint: disable=wrong-import-position,import-error
    from pyynl.lib import NlError, YnlFamily
except ModuleNotFoundError as missing:
    skip_all(f'YNL cannot be imported: {missing}')
NLCTRL = YNL.parents[3] / 'Documentation/netlink/specs/nlctrl.yaml'


def contains(text, part):
    """Fail unless a text has a part."""
    if part not in text:
        raise Failure(f'{part!r} is not in {text!r}')


def run(*command, status=0):
    """Run a tool and return what it has printed, both streams in one."""
    if not shutil.which(command[0]):
        raise Skip(f'{command[0]} is not installed')
    done = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                          text=True, check=False, timeout=30)
    if status is not None:
        equal(done.returncode, status, f'{" ".join(command)}: {done.stdout}')
    return done.stdout


def wait_for(condition, what):
    """Wait for a state that must come."""
    end = time.monotonic() + 10
    while not condition():
        if time.monotonic() > end:
            raise Failure(f'still not: {what}')
        time.sleep(0.002)


class Source:
    """What the spec says, in the words of nlctrl."""

    # How nlctrl calls the types of the spec; strings end with NUL by default.
    TYPES = {'nest': 'nested', 'string': 'nul-string', 'indexed-array': 'nested-array'}
    # The smallest and the largest number of each type.
    NUMBERS = {'uint': (0, 2 ** 64 - 1), 'sint': (-2 ** 63, 2 ** 63 - 1)} | \
        {f'u{size}': (0, 2 ** size - 1) for size in (8, 16, 32, 64)} | \
        {f's{size}': (-2 ** (size - 1), 2 ** (size - 1) - 1) for size in (8, 16, 32, 64)}

    def __init__(self, family):
        self.family = family
        self.name = family.yaml['name']
        self.version = family.yaml.get('version', 1)
        self.groups = [group['name'] for group in family.yaml['mcast-groups']['list']]
        self.consts = {const['name']: const['value']
                       for const in family.yaml['definitions'] if const['type'] == 'const'}

    def modes(self, op):
        """Which of do and dump an operation has."""
        return [mode for mode in ('do', 'dump') if mode in op.yaml]

    def ops(self):
        """The operations that can be requested, by number."""
        return {op.req_value: op for op in self.family.ops.values() if self.modes(op)}

    def flags(self, op):
        """The flags that nlctrl must report for an operation."""
        return {f'cmd-cap-{mode}' for mode in self.modes(op)} | \
            {'cmd-cap-haspol'} | set(op.yaml.get('flags', []))

    def limit(self, value):
        """A limit, which may be the name of a constant."""
        return self.consts.get(value, value)

    def number(self, attr):
        """The limits of a number, in the words of nlctrl."""
        checks = attr.yaml.get('checks', {})
        low, high = self.NUMBERS[attr.yaml['type']]
        if 'enum' in attr.yaml:
            entries = self.family.consts[attr.yaml['enum']].entries
            if attr.yaml.get('enum-as-flags'):
                return {'mask': 2 ** len(entries) - 1}
            high = len(entries) - 1
        return {'min-value': self.limit(checks.get('min', low)),
                'max-value': self.limit(checks.get('max', high))}

    def attribute(self, attr, outer=()):
        """The policy of an attribute; outer are the nests that it is in."""
        kind = attr.yaml['type']
        checks = attr.yaml.get('checks', {})
        policy = {'type': self.TYPES.get(kind, kind)}
        if kind in self.NUMBERS:
            policy |= self.number(attr)
        # A smallest length alone is not shown.
        for check, words in (('max-len', ['max-length']),
                             ('exact-len', ['min-length', 'max-length'])):
            if check in checks:
                policy |= {word: self.limit(checks[check]) for word in words}
        name = attr.yaml.get('nested-attributes')
        # YNL does not follow a nest into itself.
        if name and name not in outer:
            policy['policy'] = self.shown(self.family.attr_sets[name].items(), (*outer, name))
        return policy

    @staticmethod
    def is_shown(attr):
        """Whether nlctrl has words for an attribute: not for big-endian numbers."""
        return attr.yaml.get('byte-order') != 'big-endian'

    def shown(self, attrs, outer=()):
        """The policy of those of some attributes that nlctrl shows."""
        return {name: self.attribute(attr, outer) for name, attr in attrs if self.is_shown(attr)}

    def request(self, op, mode):
        """The names and the attributes of the request of an operation."""
        request = (op.yaml[mode] or {}).get('request', {})
        return [(name, op.attr_set[name]) for name in request.get('attributes', [])]

    def policy(self, op, mode):
        """The policy of the request of an operation."""
        return self.shown(self.request(op, mode))


class Tests:
    """The tests, in the order in which they are run."""

    def __init__(self):
        # No schema: validating against it takes long and is the linter's task.
        self.ctrl = YnlFamily(str(NLCTRL), schema='')
        self.peer = YnlFamily(str(SPEC), schema='')
        self.source = Source(self.peer)

    def family(self):
        """What nlctrl says about the family, asked for by its name."""
        return self.ctrl.getfamily({'family-name': self.source.name})

    def nlctrl_family(self):
        # covers: surface 11b, trap 13
        """nlctrl: name, version, header, operations, flags, groups"""
        family = self.family()
        equal(family['family-name'], self.source.name)
        equal(family['version'], self.source.version)
        equal(family['hdrsize'], 0)
        equal(family['maxattr'], 0)
        got = {op['id']: set(op['flags'])
               for entry in family['ops'] for op in entry.values()}
        want = {number: self.source.flags(op) for number, op in self.source.ops().items()}
        equal(got, want)
        equal([group['name'] for entry in family['mcast-groups']
               for group in entry.values()], self.source.groups)

    def nlctrl_dump(self):
        """nlctrl: the dump of all families has it once, the same as by name and by id"""
        family = self.family()
        same = [other for other in self.ctrl.getfamily({}, dump=True)
                if other['family-name'] == self.source.name]
        equal(same, [family])
        equal(self.ctrl.getfamily({'family-id': family['family-id']}), family)

    def nlctrl_policy(self):
        """nlctrl: each attribute of each policy, its type and its limits"""
        for op in self.source.ops().values():
            for mode in ('do', 'dump'):
                got = self.peer.get_policy(op.name, mode)
                if mode not in self.source.modes(op):
                    equal(got, None, f'{op.name} {mode}')
                    continue
                got = got.to_dict()
                equal(got, self.source.policy(op, mode), f'{op.name} {mode}')

    def nlctrl_policy_map(self):
        """nlctrl: the policies of all operations at once, and of one that is none"""
        modes = {}
        for message in self.ctrl.getpolicy({'family-name': self.source.name}, dump=True):
            if 'op-policy' in message:
                entry = dict(message['op-policy'])
                number = entry.pop('op-id')
                modes[number] = sorted(entry)
        equal(modes, {number: self.source.modes(op)
                      for number, op in self.source.ops().items()})
        for op in self.peer.ops.values():
            if not self.source.modes(op):
                raise Failure(f'{op.name} has no mode, and counts as an operation')
        self.refused(errno.ENOENT, self.ctrl.getpolicy,
                     {'family-name': self.source.name, 'op': 255}, dump=True)

    def genl_get(self):
        """iproute2: genl ctrl get"""
        self.check_genl(run('genl', 'ctrl', 'get', 'name', self.source.name))

    def genl_list(self):
        """iproute2: genl ctrl list"""
        text = run('genl', 'ctrl', 'list')
        families = [part for part in re.split(r'(?m)^(?=Name: )', text)
                    if part.startswith(f'Name: {self.source.name}\n')]
        equal(len(families), 1, 'how often it is listed')
        self.check_genl(families[0])

    def check_genl(self, text):
        """Compare what genl prints about a family with the spec."""
        names = {'requires admin permission': 'admin-perm', 'can doit': 'cmd-cap-do',
                 'can dumpit': 'cmd-cap-dump', 'has policy': 'cmd-cap-haspol'}
        family = self.family()
        lines = text.strip().split('\n')
        equal(lines[0], f'Name: {self.source.name}')
        equal(re.findall(r'\w[\w ]*: \w+', lines[1]),
              [f'ID: {family["family-id"]:#x}', f'Version: {self.source.version:#x}',
               'header size: 0', 'max attribs: 0'])
        ops = re.findall(r'#\d+:  ID-(\w+) \n\s+Capabilities \(\w+\):\n\s+(.*)\n', text)
        equal({int(number, 16): {names[flag] for flag in flags.strip().split('; ')}
               for number, flags in ops},
              {number: self.source.flags(op) & set(names.values())
               for number, op in self.source.ops().items()})
        equal(re.findall(r'name: (\S+)', text), self.source.groups)

    def genl_policy(self):
        """iproute2: genl ctrl policy"""
        text = run('genl', 'ctrl', 'policy', 'name', self.source.name)
        index = {}
        for number, modes in re.findall(r'op (\d+) policies:((?: (?:do|dump)=\d+)+)', text):
            for mode, policy in re.findall(r'(do|dump)=(\d+)', modes):
                index[int(number), mode] = int(policy)
        equal(set(index), {(number, mode) for number, op in self.source.ops().items()
                           for mode in self.source.modes(op)})
        table = {}
        for policy, attr, rest in re.findall(r'policy\[(\d+)\]:attr\[(\d+)\]: (.*)', text):
            table.setdefault(int(policy), {})[int(attr)] = rest.strip()
        for number, op in self.source.ops().items():
            for mode in self.source.modes(op):
                self.check_genl_policy(table, index[number, mode],
                                       dict(self.source.request(op, mode)))

    def check_genl_policy(self, table, policy, attrs, seen=()):
        """Compare one policy that genl prints, and those below it, with the spec."""
        want = {attr.value: attr for attr in attrs.values() if self.source.is_shown(attr)}
        got = table.get(policy, {})
        equal(set(got), set(want))
        for number, attr in want.items():
            rule = self.source.attribute(attr)
            text = f'type={rule["type"].upper().replace("-", "_")}'
            if rule['type'] in ('uint', 'sint') and 'type=unknown' in got[number]:
                # iproute2 does not know them before 6.16.
                text = 'type=unknown'
            # iproute2 prints no masks.
            for words, form in ((('min-value', 'max-value'), ' range:[{},{}]'),
                                (('min-length',), ' min len:{}'),
                                (('max-length',), ' max len:{}')):
                if words[0] in rule:
                    text += form.format(*(rule[word] for word in words))
            if 'policy' not in rule:
                equal(got[number], text)
                continue
            inner = self.peer.attr_sets[attr.yaml['nested-attributes']]
            nested = re.fullmatch(text + r' policy:(\d+) maxattr:(\d+)', got[number])
            if not nested:
                raise Failure(f'{got[number]!r} is no {text!r}')
            equal(int(nested[2]), max(member.value for _, member in inner.items()))
            if int(nested[1]) not in seen:
                self.check_genl_policy(table, int(nested[1]), dict(inner.items()),
                                       (*seen, int(nested[1])))

    def libnl_list(self):
        """libnl: genl-ctrl-list"""
        names = {'admin-perm': 'admin_perm', 'cmd-cap-do': 'has_doit',
                 'cmd-cap-dump': 'has_dump', 'cmd-cap-haspol': 'has_policy'}
        family = self.family()
        text = run('genl-ctrl-list', '-d')
        # A family begins at the margin, what belongs to it is indented.
        families = re.findall(rf'(?m)^0x(\w+) {self.source.name} version (\d+)\n((?: +.*\n)*)',
                              text)
        equal(len(families), 1, 'how often it is listed')
        number, version, rest = families[0]
        equal(int(number, 16), family['family-id'])
        equal(int(version), self.source.version)
        contains(rest, 'hdrsize 0 maxattr 0')
        # It has no word for uns-admin-perm.
        equal({int(op, 16): set(flags.split(',')) - {''}
               for op, flags in re.findall(r'op .* \(0x(\w+)\) <(.*)>', rest)},
              {op: {names[flag] for flag in self.source.flags(entry) & set(names)}
               for op, entry in self.source.ops().items()})
        equal(re.findall(r'grp (\S+) ', rest), self.source.groups)

    def ynl_echo(self):
        """YNL: echo of each attribute alone, of all and of none"""
        value = {'u32': 2 ** 32 - 1, 'u64': 2 ** 64 - 1, 'string': 'a string',
                 'binary': bytes(range(256)), 'nest': {'u32': 1, 'string': 'inside'}}
        equal(self.peer.echo({}), {})
        equal(self.peer.echo(value), value)
        for name, single in value.items():
            equal(self.peer.echo({name: single}), {name: single})
        equal(self.peer.echo({'nest': {}}), {'nest': {}})
        reverse = dict(reversed(value.items()))
        equal(list(self.peer.echo(reverse)), list(value), 'order')

    def ynl_limits(self):
        """YNL: each limit of the spec holds, and one more is refused"""
        longest = self.source.consts
        for name, size, value in (('string', longest['string-max'], 's'),
                                  ('binary', longest['binary-max'], b'b')):
            equal(self.peer.echo({name: value * size}), {name: value * size})
            self.refused(None, self.peer.echo, {name: value * (size + 1)},
                         **{'bad-attr': f'.{name}'})
        text = 't' * longest['text-max']
        equal(self.peer.echo({'nest': {'string': text}}), {'nest': {'string': text}})
        self.refused(None, self.peer.echo, {'nest': {'string': text + 't'}},
                     **{'bad-attr': '.nest.string'})
        self.refused(errno.ERANGE, self.peer.object_get,
                     {'count': longest['count-max'] + 1}, dump=True,
                     **{'bad-attr': '.count'})

    def ynl_dump(self):
        """YNL: a dump, each value by the words of the spec"""
        objects = self.peer.object_get({'count': 300}, dump=True)
        equal(len(objects), 300)
        for number, got in enumerate(objects):
            want = {'id': number, 'counter': number << 32 | number, 'name': f'obj-{number}',
                    'pair': {'a': number + 1, 'b': number + 2},
                    **{f'v{i}': number + 9 + i for i in range(1, 7)}}
            if number % 4 == 0:
                want['extra'] = number ^ 0xffff
            equal(got, want)
        equal(self.peer.object_get({'count': 0}, dump=True), [])

    def ynl_status(self):
        """YNL: status-get, reset"""
        equal(self.peer.reset({}), None)
        equal(self.peer.status_get({}), {'requests': 1, 'dumps': 0})
        self.peer.echo({})
        equal(self.peer.status_get({}), {'requests': 3, 'dumps': 0})

    def ynl_event(self):
        """YNL: an event comes as it was asked for"""
        with YnlFamily(str(SPEC), schema='') as listener:
            listener.ntf_subscribe(self.source.groups[0])
            for event in ({'cookie': 1}, {'cookie': 2 ** 32 - 1, 'text': 'printable ~!'}):
                equal(self.peer.event_send(event), None)
                got = next(listener.poll_ntf(duration=10), None)
                equal(got, {'name': 'event', 'msg': event})

    def ynl_refusals(self):
        """YNL: refusals of nlpeer, resolved to names of the spec"""
        self.refused(errno.EINVAL, self.peer.object_get, {}, dump=True,
                     msg='required attribute is missing', **{'miss-type': 'count'})
        self.refused(errno.EINVAL, self.peer.event_send, {'text': 'no cookie'},
                     msg='required attribute is missing', **{'miss-type': 'cookie'})
        self.refused(errno.EINVAL, self.peer.event_send, {'cookie': 1, 'text': 'a\tb'},
                     msg='text must be printable ASCII', **{'bad-attr': '.text'})

    def ynl_types(self):
        """YNL: an attribute of each type, alone and together"""
        tree = {'value': 9}
        for level in range(8):
            tree = {'value': level, 'child': tree}
        value = {'u8': 2 ** 8 - 1, 'u16': 2 ** 16 - 1, 'u32': 2 ** 32 - 1, 'u64': 2 ** 64 - 1,
                 's8': -2 ** 7, 's16': -2 ** 15, 's32': -2 ** 31, 's64': -2 ** 63,
                 'uint': 2 ** 32, 'sint': 2 ** 40, 'be16': 0x1234, 'be32': 0x12345678,
                 'flag': True, 'string': 'text', 'binary': bytes(range(256)),
                 'mac': '01:23:45:67:89:ab', 'at-least': b'four', 'range': 15,
                 'signed-range': 3, 'color': 'blue', 'modes': {'low', 'high'},
                 'numbers': [3, 1, 2, 3], 'strings': ['b', '', 'a'],
                 'pairs': [{'a': 1, 'b': 2}, {}, {'b': 3}], 'tree': tree}
        sent = value | {'mac': bytes.fromhex('0123456789ab'), 'modes': ['low', 'high']}
        equal(self.peer.types({}), {})
        equal(self.peer.types(sent), value)
        for name, single in sent.items():
            equal(self.peer.types({name: single}), {name: value[name]})
        for name, small in (('uint', 0), ('uint', 2 ** 32 - 1), ('sint', -1),
                            ('sint', 2 ** 31 - 1), ('s64', 2 ** 63 - 1)):
            equal(self.peer.types({name: small}), {name: small})
        items = [{'value': 1}, {'label': 'second'}, {}]
        equal(self.peer.types({'array': items}),
              {'array': [{index: item} for index, item in enumerate(items)]})

    def ynl_bounds(self):
        """YNL: each bound of each type holds, and what is beyond it is refused"""
        most = self.source.consts
        for name, good, bad, number in (
                ('range', (10, 20), (9, 21), errno.ERANGE),
                ('signed-range', (1, 5), (0, 6, -1), errno.ERANGE),
                ('string', ('s' * most['string-max'],), ('s' * (most['string-max'] + 1),), None),
                ('binary', (b'', b'b' * most['binary-max']), (b'b' * (most['binary-max'] + 1),),
                 None),
                ('at-least', (b'1234', b'1' * 60000), (b'123', b''), None)):
            for value in good:
                equal(self.peer.types({name: value}), {name: value})
            for value in bad:
                self.refused(number, self.peer.types, {name: value}, **{'bad-attr': f'.{name}'})
        for length in (0, 5, 7):
            self.refused(None, self.peer.types, {'mac': bytes(length)}, **{'bad-attr': '.mac'})
        tree = {'value': 0}
        for _ in range(8):
            tree = {'child': tree}
        equal(self.peer.types({'tree': tree}), {'tree': tree})
        self.refused(errno.EINVAL, self.peer.types, {'tree': {'child': tree}},
                     msg='allowed policy recursion depth exceeded')

    def ynl_replies(self):
        """YNL: large, several and late replies"""
        most = self.source.consts['piece-max']
        for size in (0, 1, most, most + 1, 2 * most, 2 * most + 1):
            reply = self.peer.big_get({'size': size})
            data = b''.join(piece['data'] for piece in reply.get('piece', []))
            equal(data, (bytes(range(256)) * (size // 256 + 1))[:size], f'{size} bytes')
        self.refused(errno.EINVAL, self.peer.big_get, {}, **{'miss-type': 'size'})
        # YNL returns the first reply to a do; all of them are counted in C.
        equal(self.peer.several_get({'count': 1}), {'index': 1})
        equal(self.peer.odd_get({'what': 'nothing'}), {'number': 7, 'text': 'odd'})
        equal(self.peer.odd_get({}, dump=True), [{'number': i} for i in range(1, 9)])
        self.refused(errno.ERANGE, self.peer.several_get, {'count': 0},
                     **{'bad-attr': '.count'})
        start = time.monotonic()
        equal(self.peer.delayed_get({'delay': 100, 'cookie': 7}), {'delay': 100, 'cookie': 7})
        if time.monotonic() - start < 0.08:
            raise Failure('it came too early')
        self.refused(errno.EDOM, self.peer.delayed_get, {'delay': 1, 'error': errno.EDOM})
        self.refused(errno.ECANCELED, self.peer.delayed_get, {'delay': 1, 'drop': True})
        self.refused(errno.EINVAL, self.peer.delayed_get, {}, **{'miss-type': 'delay'})

    def ynl_refuse(self):
        """YNL: refuse, with each part of an extended ack"""
        asked = 'the request has asked for this error'
        refuse = self.peer.refuse
        equal(refuse({}), None)
        self.refused(errno.EDOM, refuse, {'error': errno.EDOM}, msg=asked, **{'bad-attr': None})
        self.refused(errno.EDOM, refuse, {'error': errno.EDOM, 'text': 'in other words'},
                     msg='in other words')
        self.refused(errno.EDOM, refuse, {'error': errno.EDOM, 'text': 'x' * 79}, msg='x' * 79)
        self.refused(errno.EDOM, refuse, {'error': errno.EDOM, 'text': 'x' * 80}, msg='x' * 79)
        self.refused(errno.EDOM, refuse, {'error': errno.EDOM, 'text': 'a\ttab'},
                     msg='a\ttab')
        self.refused(errno.EDOM, refuse, {'error': errno.EDOM, 'blame': 'attribute'},
                     msg=asked, **{'bad-attr': '.blame'})
        self.refused(errno.EDOM, refuse,
                     {'error': errno.EDOM, 'blame': 'nest', 'nest': {'inside': 1}},
                     msg=asked, **{'bad-attr': '.nest.inside'})
        self.refused(errno.EINVAL, refuse, {'blame': 'missing'},
                     msg='required attribute is missing', **{'miss-type': 'nest'})
        self.refused(errno.EINVAL, refuse, {'blame': 'missing', 'nest': {}},
                     msg='the nest is there', **{'bad-attr': '.blame'})
        self.refused(errno.EINVAL, refuse, {'blame': 'nest', 'text': 'in other words'},
                     msg='in other words', **{'miss-type': 'nest'})
        self.refused(errno.EINVAL, refuse, {'blame': 'missing-in-nest', 'nest': {'missing': 1}},
                     msg='the attribute is there', **{'bad-attr': '.blame'})
        # Both headers, and the attribute blame in front of the nest.
        self.refused(errno.EINVAL, refuse, {'blame': 'missing-in-nest', 'nest': {'inside': 1}},
                     msg='required attribute is missing', **{'miss-type': 2, 'miss-nest': 28})
        for error in (1, self.source.consts['errno-max']):
            try:
                refuse({'error': error})
            except NlError as refusal:
                equal(refusal.error, error)
            else:
                raise Failure(f'error {error} is none')
        for error in (0, self.source.consts['errno-max'] + 1):
            self.refused(errno.ERANGE, refuse, {'error': error}, **{'bad-attr': '.error'})

    def ynl_burst(self):
        """YNL: a burst for a listener that has room, and for one that has not"""
        with YnlFamily(str(SPEC), schema='') as listener:
            equal(self.peer.burst({'count': 3}), {'sent': 3, 'lost': 0})
            listener.ntf_subscribe(self.source.groups[0])
            equal(self.peer.burst({'count': 3, 'size': 2}), {'sent': 3, 'lost': 0})
            for index in range(3):
                equal(next(listener.poll_ntf(duration=10), None),
                      {'name': 'burst-event', 'msg': {'index': index, 'data': b'\0\1'}})
            self.peer.burst({'count': 10000, 'size': 1000})
            try:
                for _ in range(10000):
                    if next(listener.poll_ntf(duration=1), None) is None:
                        raise Failure('nothing was lost')
            except OSError as error:
                equal(error.errno, errno.ENOBUFS)
            else:
                raise Failure('all of it has come')
        self.refused(errno.EINVAL, self.peer.burst, {'count': 100000, 'size': 1000},
                     **{'bad-attr': '.size'})
        self.refused(errno.EINVAL, self.peer.burst, {}, **{'miss-type': 'count'})

    def ynl_audience(self):
        """YNL: events for each audience come in their group"""
        # YNL subscribes a socket to one group.
        for group, name in zip(self.source.groups, ('event', 'admin-event')):
            with YnlFamily(str(SPEC), schema='') as listener:
                listener.ntf_subscribe(group)
                for audience in {'event': ('anyone', 'everywhere'),
                                 'admin-event': ('net-admin',)}[name]:
                    self.peer.event_send({'cookie': 5, 'audience': audience})
                    equal(next(listener.poll_ntf(duration=10), None),
                          {'name': name, 'msg': {'cookie': 5}})

    def ynl_sender(self):
        """YNL: what the kernel knows of the sender, and counters"""
        sender = self.peer.sender_get({})
        equal(sender['portid'], self.peer.sock.getsockname()[0])
        equal(sender['pid'], os.getpid())
        equal((sender['uid'], sender['gid']), (os.getuid(), os.getgid()))
        # SO_NETNS_COOKIE, which Python does not know.
        cookie = self.peer.sock.getsockopt(socket.SOL_SOCKET, 71, 8)
        equal(sender['netns-cookie'], int.from_bytes(cookie, sys.byteorder))
        equal(sender['netns-inum'], os.stat('/proc/self/ns/net').st_ino)
        equal((sender['net-admin'], sender['netns-admin']), (True, True))
        first = self.peer.counter_get({})
        second = self.peer.counter_get({})
        equal((second['socket'], second['netns']), (first['socket'] + 1, first['netns'] + 1))
        with YnlFamily(str(SPEC), schema='') as other:
            third = other.counter_get({})
            equal((third['socket'], third['netns']), (1, second['netns'] + 1))
            equal(third['sockets'], second['sockets'] + 1)
        equal(self.peer.counter_get({})['sockets'], second['sockets'])
        equal(self.peer.netns_admin({}), None)

    def ynl_trouble(self):
        """YNL: dumps with a seed, a step, pauses and an error at their end"""
        objects = self.peer.trouble_get({'count': 7, 'size': 3, 'numbers': 2, 'seed': 254,
                                         'step': 3}, dump=True)
        equal(objects, [{'id': i, 'data': bytes((254 + i + n) % 256 for n in range(3)),
                         'list': {'number': [254 + i, 255 + i]}} for i in (0, 3, 6)])
        equal(self.peer.trouble_get({'size': 2, 'seed': 1}), {'id': 0, 'data': b'\1\2'})
        start = time.monotonic()
        equal(len(self.peer.trouble_get({'count': 1, 'slow': 100}, dump=True)), 1)
        # The clock of an emulated machine may be late.
        if time.monotonic() - start < 0.08:
            raise Failure('it was not slow')
        self.refused(errno.EDOM, self.peer.trouble_get,
                     {'count': 3, 'error': errno.EDOM, 'fail-at-end': True}, dump=True,
                     msg='the request has asked for this error')
        # It is objects that are counted, not their numbers: of 4 there is no fifth.
        fails = {'count': 7, 'step': 2, 'error': errno.EDOM}
        self.refused(errno.EDOM, self.peer.trouble_get, fails | {'fail-after': 4}, dump=True)
        equal(len(self.peer.trouble_get(fails | {'fail-after': 5}, dump=True)), 4)

    def ynl_unprivileged(self):
        """YNL: what is for the administrator is refused to others, at its attribute"""
        os.seteuid(65534)
        try:
            with YnlFamily(str(SPEC), schema='') as peer:
                for method, most, more, attr, dump in (
                        (peer.big_get, {'size': 65536}, {'size': 65537}, 'size', None),
                        (peer.several_get, {'count': 64}, {'count': 65}, 'count', None),
                        (peer.trouble_get, {'count': 1, 'slow': 0}, {'count': 1, 'slow': 1},
                         'slow', True),
                        (peer.event_send, {'cookie': 1, 'audience': 'net-admin'},
                         {'cookie': 1, 'audience': 'everywhere'}, 'audience', None)):
                    method(most, **({} if dump is None else {'dump': dump}))
                    self.refused(errno.EPERM, method, more, dump=dump,
                                 **{'bad-attr': f'.{attr}'})
                self.refused(errno.EPERM, peer.burst, {'count': 1})
                self.refused(errno.EPERM, peer.netns_admin, {})
                self.refused(errno.EPERM, peer.reset, {})
        finally:
            os.seteuid(0)

    def refused(self, number, method, *args, dump=None, **extack):
        """Fail unless a request is refused with this errno and extended ack."""
        try:
            result = method(*args, **({} if dump is None else {'dump': dump}))
        except NlError as error:
            if number:
                equal(errno.errorcode[error.error], errno.errorcode[number])
            for key, want in extack.items():
                equal((error.nl_msg.extack or {}).get(key), want, key)
        else:
            raise Failure(f'not refused: {result!r}')

    def ss_netlink(self):
        """ss: our socket, and the unread bytes in it"""
        with socket.socket(socket.AF_NETLINK, socket.SOCK_RAW, 16) as sock:
            # A port that no process has, so that ss shows the number.
            sock.bind((0x7ffffff1, 0))
            row = self.ss_row(0x7ffffff1)
            equal(row[0], '0', 'bytes to read')
            # An echo whose reply stays in the queue.
            family = self.family()['family-id']
            sock.send(b''.join(number.to_bytes(size, sys.byteorder) for number, size in
                               ((20, 4), (family, 2), (1, 2), (1, 4), (0, 4),
                                (1, 1), (1, 1), (0, 2))))
            row = self.ss_row(0x7ffffff1)
            if int(row[0]) == 0:
                raise Failure(f'nothing to read: {row}')

    def ss_row(self, port):
        """The row of a generic netlink socket."""
        rows = [line.split() for line in run('ss', '-Hnf', 'netlink').splitlines()]
        for row in rows:
            protocol, _, address = row[2].rpartition(':')
            if protocol in ('genl', '16') and address.split('/')[-1] == str(port):
                return row
        raise Failure(f'no socket with port {port} in {rows}')

    def insmod_duplicate(self):
        """insmod: a second family of the name is refused"""
        module = os.environ.get('NLPEER_DUP_KO')
        if not module:
            raise Skip('NLPEER_DUP_KO is not set')
        text = run('insmod', module, status=1)
        # EEXIST, or what newer kernels make of it.
        if not re.search('File exists|Device or resource busy', text):
            raise Failure(text)
        if Path('/sys/module/nlpeer_dup').exists():
            raise Failure('it is loaded')
        equal(self.peer.echo({'u32': 1}), {'u32': 1})

    def modprobe_alias(self):
        """modprobe: asking for the family leads nowhere"""
        alias = f'net-pf-16-proto-16-family-{self.source.name}'
        if not run('modinfo', '-n', 'nlpeer', status=None).startswith('/'):
            raise Skip('nlpeer is not installed: make modules_install')
        equal(run('modprobe', '-q', '-R', alias, status=None).split(), [])

    def rmmod_during_dump(self):
        """rmmod: refused while a dump is open, fine after it"""
        refcnt = Path('/sys/module/nlpeer/refcnt')
        module = os.environ.get('NLPEER_KO')
        if not module:
            raise Skip('NLPEER_KO is not set')
        with socket.socket(socket.AF_NETLINK, socket.SOCK_RAW, 16) as sock:
            request = b''.join(number.to_bytes(size, sys.byteorder) for number, size in
                               ((28, 4), (self.family()['family-id'], 2), (0x301, 2), (1, 4),
                                (0, 4), (2, 1), (1, 1), (0, 2), (8, 2), (1, 2), (100000, 4)))
            sock.send(request)
            equal(refcnt.read_text(encoding='ascii').strip(), '1', 'references')
            contains(run('rmmod', 'nlpeer', status=1), 'in use')
        wait_for(lambda: refcnt.read_text(encoding='ascii').strip() == '0',
                 'the closed dump gives the module back')
        run('rmmod', 'nlpeer')
        if Path('/sys/module/nlpeer').exists():
            raise Failure('it is still loaded')
        text = run('genl', 'ctrl', 'list')
        if f'Name: {self.source.name}\n' in text:
            raise Failure('it is still listed')
        run('insmod', module)
        # Not self.peer: YNL keeps the id that the family had before.
        self.genl_get()

    def all(self):
        """The tests: all methods that say so in the first line of their docstring."""
        tools = ('nlctrl: ', 'iproute2: ', 'libnl: ', 'YNL: ', 'ss: ', 'insmod: ',
                 'modprobe: ', 'rmmod: ')
        return [(method.__doc__, getattr(self, name))
                for name, method in vars(Tests).items()
                if (getattr(method, '__doc__', None) or '').startswith(tools)]


def main():
    """Run the tests and print KTAP."""
    return ktap_run(Tests().all())


if __name__ == '__main__':
    sys.exit(main())
