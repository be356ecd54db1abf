# SPDX-License-Identifier: GPL-2.0
"""
Names that generated code must leave alone, so that nothing is shadowed: those of
rust/genl, which are read from its source, and those that code in the kernel has
anyway.
"""

import errno
import os
import re

GENL = os.path.join(os.path.dirname(os.path.dirname(os.path.dirname(
    os.path.abspath(__file__)))), "rust/genl")

# Types and traits that all code in the kernel has in scope: those of the preludes of core and of
# the kernel, and what generated code or nearly every author takes in. tests/compare_with_c.py
# compares the list with the preludes.
PRELUDE = set("""
AsMut AsRef AsyncFn AsyncFnMut AsyncFnOnce Clone Copy Debug Default DoubleEndedIterator Drop Eq Err
ExactSizeIterator Extend Fn FnMut FnOnce From FromIterator Hash Into IntoIterator Iterator None Ok
Option Ord PartialEq PartialOrd RustcDecodable RustcEncodable Self Send Sized Some Sync TryFrom
TryInto Unpin

Box CStr Error FromBytes InPlaceInit InPlaceWrite Init IntoBytes KBox KVBox KVVec KVec Pin PinInit
Result ThisModule UserPtr VBox VVec Vec Zeroable

Arc Deref Flags String
""".split())
# Methods that each type has by a trait in scope (From, Into, TryFrom, TryInto of core, Init and
# PinInit of pin-init), or that generated types derive. One that takes `self` would even be called
# instead of a getter, which takes `&self`.
METHODS = set("""from into try_from try_into chain pin_chain clone clone_from default""".split())
# Constants that generated code and the prelude of the kernel have.
CONSTS = {"NAME", "VERSION", "GFP_ATOMIC", "GFP_KERNEL", "GFP_NOWAIT", "THIS_MODULE",
          *errno.errorcode.values()}

# What is no code: comments, texts, single characters (lifetimes have no second quote).
NO_CODE = re.compile(r'//[^\n]*|/\*.*?\*/|"(?:\\.|[^"\\])*"|\'(?:\\.[^\']*|[^\'\\])\'', re.S)
ITEM = re.compile(r"^pub (?:unsafe |const |async )*(?:struct|enum|union|trait|type|fn|const|static)"
                  r" (\w+)", re.M)
METHOD = re.compile(r"\bfn (\w+)\s*(<[^(]*>)?\s*\(")
VISIBLE = re.compile(r"\bpub (?:unsafe |const |async )*fn (\w+)\s*(<[^(]*>)?\s*\(")


def code(path):
    """The code in a file of Rust."""
    with open(path, encoding="utf-8") as file:
        return NO_CODE.sub(lambda match: '""' if match[0][0] == '"' else " ", file.read())


def block(text, start):
    """What is between the brace that is next and the one that closes it."""
    start = text.index("{", start)
    depth = 0
    for at in range(start, len(text)):
        depth += (text[at] == "{") - (text[at] == "}")
        if depth == 0:
            return text[start + 1:at]
    return text[start + 1:]


def used(tree):
    """The names that a `use` brings in: those at the ends of its tree; * for a whole module."""
    found, word, depth, inner = [], "", 0, ""
    for char in tree + ",":
        if char == "{" and (depth := depth + 1) == 1:
            inner = ""
        elif char == "}" and (depth := depth - 1) == 0:
            found += [(word + path, name) for path, name in used(inner)]
            word = None
        elif depth:
            inner += char
        elif char != ",":
            word = (word or "") + char
        elif word and word.strip():
            path, _, name = word.strip().partition(" as ")
            found.append((path.strip(), (name or path.rpartition("::")[2]).strip()))
            word = ""
        else:
            word = ""
    return [(re.sub(r"\s", "", path), name) for path, name in found]


def module(folder, name):
    """The file of a module; none for one that is inside of another file."""
    for path in (f"{folder}/{name}.rs", f"{folder}/{name}/mod.rs"):
        if os.path.exists(path):
            return path
    return None


def made_by_macros(text):
    """The types that macros of a file make in it: what is a name of a type where such a one is
    called."""
    found = set()
    for match in re.finditer(r"macro_rules!\s*(\w+)", text):
        if re.search(r"\bpub (struct|enum|union|trait|type) \$", block(text, match.end())):
            for call in re.findall(rf"^{match[1]}!\s*[({{]([^;]*?)[)}}]", text, re.M):
                found |= set(re.findall(r"\b[A-Z]\w*", call))
    return found


def exports(path=f"{GENL}/mod.rs"):
    """The names that a module has for others, and those of the modules that it has for others."""
    text, folder = code(path), os.path.dirname(path)
    if os.path.basename(path) != "mod.rs":
        folder = path.removesuffix(".rs")
    found = set(ITEM.findall(text)) | made_by_macros(text)
    inside = re.findall(r"^pub mod (\w+)", text, re.M)
    for tree in re.findall(r"^pub use ([^;]+);", text, re.M):
        for way, name in used(tree):
            if name == "*":
                inside.append(re.sub(r"^(self|super|crate)::", "", way).split("::")[0])
            elif name != "_":
                found.add(name)
    for name in inside:
        inner = module(folder, name)
        if inner:
            found |= exports(inner)
    return found


def sources(folder=GENL):
    """The code of all files of the framework, and the bodies of its macros by their names."""
    texts = []
    for where, _, names in sorted(os.walk(folder)):
        texts += [code(f"{where}/{name}") for name in sorted(names) if name.endswith(".rs")]
    macros = {match[1]: block(text, match.end())
              for text in texts for match in re.finditer(r"macro_rules!\s*(\w+)", text)}
    return texts, macros


def methods(name, pattern=VISIBLE, read=None):
    """The methods of a type of the framework, those of what it derefs to included: [(name,
    generics)]."""
    texts, macros = read or sources()
    found = []
    for text in texts:
        for match in re.finditer(rf"^impl\b[^{{;]*?(?<![\w:]){name}\b[^{{;]*{{", text, re.M):
            body = block(text, match.end() - 1)
            head = re.sub(r"\bwhere\b.*", "", match[0], flags=re.S)
            if " for " not in head and re.match(rf"impl(?:<[^{{]*?>)? {name}\b", head):
                for macro in re.findall(r"\b(\w+)!", body):
                    body += macros.get(macro, "")
                found += pattern.findall(body)
            target = re.search(r"type Target = (\w+)", body)
            if re.search(rf"\bDeref for {name}\b", head) and target:
                found += methods(target[1], pattern, (texts, macros))
    return found


def request_methods():
    """The methods of a request that a getter of the same name would hide.

    Those that take the number of an attribute are what getters are there instead of.
    """
    return {name for name, generics in methods("Request") if "const ATTR:" not in generics}


def number_methods():
    """The methods of a request that take the number of an attribute."""
    return {name for name, generics in methods("Request") if "const ATTR:" in generics}


def registered_methods():
    """All methods of a registered family."""
    return {name for name, _ in methods("Registered", METHOD)}
