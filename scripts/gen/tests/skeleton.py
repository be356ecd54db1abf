# SPDX-License-Identifier: GPL-2.0
"""
A handler that refuses everything, for any family, and crates of such families: what the
tests of the generator compile.
"""

import os
import sys
from typing import Iterable, Iterator

sys.path.append(f"{os.path.dirname(os.path.abspath(__file__))}/..")

# pylint: disable=wrong-import-position
from genl_gen import config, generate, signature  # noqa: E402
from genl_model import Attribute, Family, Indexed, Many, Operation  # noqa: E402

TOP = os.path.abspath(f"{os.path.dirname(os.path.abspath(__file__))}/../../..")
# rust/genl as a part of a crate.
GENL = f"#[path = \"{TOP}/rust/genl/mod.rs\"]\npub mod genl;\n"


def looks(source: str, attrs: Iterable[Attribute], depth: int = 0) -> Iterator[str]:
    """Reads each attribute."""
    for attr in attrs:
        if not attr.number:
            continue
        get = f"{source}.get(attr::{attr.path})"
        if attr.nested is None or depth == 4 or attr.nested.recursive and depth:
            yield f"let _ = {get};\n"
            continue
        inner = "".join(looks("nest", attr.nested.attributes.values(), depth + 1))
        name = "(_, nest)" if isinstance(attr.kind, Indexed) else "nest"
        head = f"for {name} in {get}" if isinstance(attr.kind, (Indexed, Many)) else \
            f"if let Some(nest) = {get}"
        yield f"{head} {{\nlet _ = &nest;\n{inner}}}\n"


def sent(family: Family, op: Operation) -> str:
    """The reply with nothing in it."""
    message = next(item for item in family.messages if op.ident in item.commands)
    unit = not message.attributes and not family.header
    return f"op::{message.ident}" + "::default()" * (not unit)


def skeleton(family: Family) -> str:
    """A handler that looks at each attribute, and answers nothing."""
    state, guard = f"{family.ident}State", f"{family.ident}Guard"
    methods, states = [], []
    for op in family.operations:
        cfg = f"#[cfg({config(op.condition)})]\n" if op.condition else ""
        read = "let _ = &request;\n" + "".join(looks("request", op.attributes))
        if op.mode == "dump":
            methods.append(f"{cfg}type {op.assoc} = {state};\n\n{cfg}fn {op.method}(&self, "
                           f"request: genl::Request<'_, op::{op.ident}>) -> Result<{state}> {{\n{read}"
                           "Err(EOPNOTSUPP)\n}\n")
            states.append(f"{cfg}impl genl::DumpState<op::{op.ident}> for {state} {{\n"
                          f"fn dump(&mut self, _: &{family.ident}, objects: &mut genl::Objects<'_, "
                          f"op::{op.ident}>) -> genl::DumpResult {{\n"
                          f"objects.push(&{sent(family, op)})\n}}\n}}\n")
            continue
        if op.assoc:
            methods.append(f"{cfg}type {op.assoc}<'a> = {guard};\n")
        answer = f"reply.send(&{sent(family, op)})" if op.has_reply else "Err(EOPNOTSUPP)"
        methods.append(f"{cfg}{signature(op, f'_guard: &mut {guard}, ')} {{\n{read}{answer}\n}}\n")
    out = f"/// The family.\npub(crate) struct {family.ident};\n\n"
    if any(op.hooks for op in family.operations):
        out += (f"/// A guard that guards nothing.\npub(crate) struct {guard};\n\n"
                f"impl<'a, O: genl::Op> genl::Guard<'a, O> for {guard} {{\n"
                "fn enter(_: &'a O::Family, _: &genl::Request<'a, O>) -> Result<Self> {\n"
                "Ok(Self)\n}\n}\n\n")
    out += f"impl Handler for {family.ident} {{\n" + "\n".join(methods) + "}\n"
    if states:
        out += f"\n/// Where a dump stands.\npub(crate) struct {state};\n\n" + "\n".join(states)
    return out


def write_family(family: Family, ident: str, work: str, more: str = "") -> None:
    """Writes a module IDENT of a crate: what is generated, a handler, and what is given."""
    with open(f"{work}/{ident}_gen.rs", "w", encoding="utf-8") as file:
        file.write(generate(family, f"{ident}.yaml"))
    with open(f"{work}/{ident}.rs", "w", encoding="utf-8") as file:
        file.write(f"#[path = \"{work}/{ident}_gen.rs\"]\npub mod {ident}_gen;\n")
        if not family.core:
            file.write(f"use crate::genl;\nuse {ident}_gen::*;\n#[allow(unused_imports)]\n"
                       f"use kernel::prelude::*;\n\n{skeleton(family)}\n#[used]\n"
                       f"static KEEP: fn() -> &'static genl::FamilyDescriptor<{family.ident}> =\n"
                       f"    <{family.ident} as genl::Family>::descriptor;\n")
        file.write(more)


def crate_of(idents: Iterable[str], work: str, genl: str = GENL) -> str:
    """The crate of all these modules."""
    return ("//! Families.\n#![allow(dead_code, missing_docs)]\n" + genl +
            "".join(f"#[path = \"{work}/{ident}.rs\"]\npub mod {ident};\n" for ident in idents))
