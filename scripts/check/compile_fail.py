#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0
"""
Compiles what must not compile, and what must: TAP on standard output.

Each file in selftests/compile-fail/ is one program that compiles, and several
that do not. A line that ends with '//~ NAME' is in the case NAME only, one that
ends with '//~ not NAME...' in all others and in the program that compiles. A
case must fail. The head of the file has what the compiler says first
('//@ NAME: REGULAR EXPRESSION'): the first line of the first error, or, where a
constant stops the compiler, what it stops with. Where that alone does not tell,
what tells is in a line of its own behind it: '//@ below: REGULAR EXPRESSION'
stands in the same error, '//@ next: REGULAR EXPRESSION' in the second one, where
the first is the compiler's own. The examples in the documentation of rust/genl are
compiled as well.

A message with which rust/genl stops the compiler must occur in a case.

The compiler runs with the flags that Kbuild has used for nlpeer, but for what they say of
optimization and of debug information, on which no error depends.
"""

import argparse
import concurrent.futures
import glob
import os
import re
import shlex
import subprocess
import sys
import tempfile

TOP = os.path.abspath(f"{os.path.dirname(os.path.abspath(__file__))}/../..")
CASES = f"{TOP}/selftests/compile-fail"
GENL = f"{TOP}/rust/genl"
# What makes the compiler say the same in less time.
CHECKING = ("-Copt-level=0", "-Cdebuginfo=0")
# What no case is called: the errors that say more, by their place.
MORE = {"below": 0, "next": 1}


def saved_command(mod, crate="rust/nlpeer/nlpeer_main"):
    """
    Returns the words of the compiler's command for a crate, without what is its own, and its
    source.
    """
    folder, name = os.path.split(crate)
    with open(f"{mod}/{folder}/.{name}.o.cmd", encoding="utf-8") as file:
        # Another tool may look at the object behind it.
        line = file.readline().split(":= ", 1)[1].split(" ; ")[0]
    words = shlex.split(line)
    keep, skip, source = [], False, None
    for word in words:
        if skip:
            skip = False
        elif word in ("--crate-type", "--out-dir"):
            skip = True
        elif word.endswith(".rs"):
            source = word
        elif not word.startswith("--emit="):
            keep.append(word)
    return keep, source


class Compiler:
    """
    rustc as Kbuild runs it for a crate, with more flags or other ones, and rust/genl as a crate
    for it.
    """

    def __init__(self, kernel, mod, work, *flags, crate="rust/nlpeer/nlpeer_main"):
        self.kernel, self.work = kernel, work
        # The compiler runs in another folder.
        self.env = dict(os.environ, RUSTC_BOOTSTRAP="1",
                        GENL_BINDINGS=os.path.abspath(f"{mod}/rust/genl/bindings.rs"))
        words, self.source = saved_command(mod, crate)
        while "=" in words[0]:
            name, value = words.pop(0).split("=", 1)
            self.env[name] = value
        # The last word for a flag is what counts.
        self.words = [*words, *flags]
        # clippy has the rules of the kernel and those for families.
        with (open(f"{work}/.clippy.toml", "w", encoding="utf-8") as rules,
              open(f"{kernel}/source/.clippy.toml", encoding="utf-8") as kernels,
              open(f"{TOP}/scripts/check/clippy.toml", encoding="utf-8") as ours):
            rules.write(kernels.read() + ours.read())
        self.env["CLIPPY_CONF_DIR"] = work

    def run(self, name, source, *options, clippy=False):
        """Compiles a file; returns the status and what the compiler said."""
        words = (["clippy-driver"] if clippy else self.words[:1]) + self.words[1:] + [
            "--crate-name", name, "--crate-type", "rlib", "--out-dir", self.work,
            "-L", self.work, *options, source]
        done = subprocess.run(words, cwd=self.kernel, env=self.env, text=True,
                              stdout=subprocess.PIPE, stderr=subprocess.STDOUT, check=False)
        return done.returncode, done.stdout

    def genl(self):
        """Makes the crate."""
        status, text = self.run("genl", f"{GENL}/mod.rs", "--emit=metadata,link")
        if status:
            sys.exit(f"rust/genl does not compile:\n{text}")

    def case(self, name, text, clippy=False, own=False):
        """
        Compiles a case, with the lint of clippy that knows what a family must not call, or with
        rust/genl as a part of it, as modules have it. A path in it is one of this tree.
        """
        source = f"{self.work}/{name}.rs"
        with open(source, "w", encoding="utf-8") as file:
            file.write(text.replace('#[path = "', f'#[path = "{TOP}/'))
            if own:
                file.write(f'#[path = "{GENL}/mod.rs"]\nmod genl;\n')
        if own:
            return self.run(name, source, "--emit=metadata")
        lints = ["-Aclippy::all"] + ["-Dclippy::disallowed_methods"] * clippy
        return self.run(name, source, "--extern", "genl", "--emit=obj", *lints, clippy=clippy)


def read_cases(file_name):
    """
    Returns the cases of a file, {name: [(error, regular expression)]}, the first line in front, and
    its lines.
    """
    with open(f"{CASES}/{file_name}.rs", encoding="utf-8") as file:
        lines = file.read().splitlines()
    cases, last = {}, []
    for line in lines:
        match = re.match(r"//@ ([\w-]+): (.*)$", line)
        if match and match[1] in MORE:
            last.append((MORE[match[1]], match[2]))
        elif match:
            last = cases[match[1]] = [(0, match[2])]
    return cases, lines


def errors_of(said):
    """The errors that the compiler has told of, and what the first one says first."""
    errors = [match[0] for match in
              re.finditer(r"^error(?:\[\w+\])?: .*(?:\n(?!error|warning).*)*", said, re.M)]
    if not errors:
        return [], ""
    first = re.match(r"error(?:\[\w+\])?: (.*)", errors[0])[1]
    if errors[0].startswith("error[E0080]"):
        # The same line for all constants; newer compilers have the rest of it in that line.
        told = re.search(r"\^ (?:the evaluated program panicked at '(.*)', .*|(.*))$",
                         errors[0], re.M)
        first = (told[1] or told[2]) if told else first
    return errors, first


def choose(lines, case):
    """The program of a case, or the one that compiles where case is None."""
    program = []
    for line in lines:
        mark = re.search(r"//~ (not )?([\w -]+)$", line)
        if mark and (case in mark[2].split()) == bool(mark[1]):
            continue
        # What documents the file would stand behind other items.
        program.append(re.sub(r"^//!", "//", line))
    return "\n".join(program) + "\n"


def case_test(compiler, prelude, file_name, case):
    """Compiles a case, or the program that compiles; returns None, or what is wrong."""
    cases, lines = read_cases(file_name)
    how = {"clippy": "//! compiled with clippy" in lines,
           "own": "//! compiled with rust/genl as a part of it" in lines}
    marks = {name for line in lines for mark in re.findall(r"//~ (?:not )?([\w -]+)$", line)
             for name in mark.split()}
    if case is None:
        if marks != set(cases):
            return f"marked and named cases differ: {' '.join(sorted(marks ^ set(cases)))}"
        status, said = compiler.case(f"correct_{file_name}", prelude + choose(lines, None), **how)
        return f"it does not compile:\n{said}" if status else None

    ident = "case_" + re.sub(r"\W", "_", f"{file_name}_{case}")
    status, said = compiler.case(ident, prelude + choose(lines, case), **how)
    if status == 0:
        return "it compiles"
    errors, first = errors_of(said)
    (_, expected), *more = cases[case]
    if not re.match(expected, first):
        return f"the first error is '{first}' and not /{expected}/:\n{said}"
    missing = [(index, text) for index, text in more
               if not any(re.search(text, error) for error in errors[index:index + 1])]
    return "".join(f"the {'second' if index else 'first'} error does not say /{text}/:\n{said}"
                   for index, text in missing[:1]) or None


def messages():
    """Yields where each message of rust/genl stands, and what its cases must name."""
    for file_name in sorted(os.listdir(GENL)):
        if not file_name.endswith(".rs"):
            continue
        with open(f"{GENL}/{file_name}", encoding="utf-8") as file:
            # Comments are blanked, so that the lines keep their numbers.
            text = re.sub(r"^[ \t]*//.*", "", file.read(), flags=re.M)
        # fail() puts 'genl: ' and a name in front; that is mostly one which the case has chosen.
        for match in re.finditer(r'"(genl: [^"]+)"|\bfail\(\s*(?:"([^"]*)"|[^",]+),\s*"([^"]*)"',
                                 text):
            message = match[1] or f": {match[3]}"
            if match[2]:
                message = f"genl: {match[2]}{message}"
            # A string that goes on in the next line.
            message = re.sub(r"\\\n\s*", "", message)
            yield f"{file_name}:{text.count(chr(10), 0, match.start()) + 1}", message


def messages_test():
    """Looks for a case for each message; returns None, or which have none."""
    named = []
    for file_name in os.listdir(CASES):
        if file_name.endswith(".rs"):
            named += [said[0][1] for said in read_cases(file_name[:-3])[0].values()]
    named = [re.sub(r"\\(\W)", r"\1", case) for case in named]
    found = list(messages())
    if not found:
        return "rust/genl has no messages: do they look otherwise now?"
    missing = [f"{where}: {message.removeprefix(': ')}" for where, message in found
               if not any(case.endswith(message) for case in named)]
    return "no case has the message of\n" + "\n".join(missing) if missing else None


def examples():
    """Yields the name and the text of each example in the documentation."""
    for path in sorted(path for end in ("rs", "md")
                       for path in glob.glob(f"{GENL}/**/*.{end}", recursive=True)):
        file_name = os.path.relpath(path, GENL)
        with open(path, encoding="utf-8") as file:
            lines = file.read().splitlines()
        comment = r"(.*)$" if path.endswith(".md") else r"\s*//[/!] ?(.*)$"
        block, number = None, 0
        for index, line in enumerate(lines, 1):
            match = re.match(comment, line)
            body = match[1] if match else ""
            if match and body.startswith("```"):
                if block is None:
                    block, number = [], index
                    language = body[3:]
                else:
                    if language in ("", "rust"):
                        yield f"{file_name}:{number}", "\n".join(block)
                    block = None
            elif block is not None:
                # A line that the page does not show; not an attribute.
                block.append(re.sub(r"^#( |$)", "", body))


def example_test(compiler, where, text):
    """Compiles an example; returns None, or what is wrong."""
    ident = "example_" + re.sub(r"\W", "_", where)
    if ("module_family!" not in text and
            (re.search(r"^let ", text, re.M) or
             not re.search(r"^(impl|fn|struct|pub)", text, re.M))):
        # Statements want a function around them, as in rustdoc.
        ending = "" if re.search(r"^Ok::", text, re.M) else "\nOk::<(), kernel::error::Error>(())"
        kind = "core::fmt::Error" if "core::fmt::Error" in text else "kernel::error::Error"
        text = f"pub fn example() -> core::result::Result<(), {kind}> {{\n{text}{ending}\n}}"
    text = ("//! An example.\n"
            "#![allow(dead_code, missing_docs, unused_variables, unused_imports)]\n" + text + "\n")
    status, said = compiler.case(ident, text)
    return f"it does not compile:\n{said}" if status else None


def main():
    """Runs all cases, or those that are named."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n\n", maxsplit=1)[0])
    parser.add_argument("--kernel", required=True, help="the build folder of the kernel")
    parser.add_argument("--mod", required=True, help="the folder where nlpeer was built")
    parser.add_argument("cases", nargs="*",
                        help="FILE or FILE/CASE, or FILE.rs or FILE.md of rust/genl for the "
                        "examples in it; else all of them")
    args = parser.parse_args()

    names = []
    for name in sorted(os.listdir(CASES)):
        if name.endswith(".rs") and name != "prelude.rs":
            name = name[:-3]
            names += [(name, None)] + [(name, case) for case in read_cases(name)[0]]
    documented = list(examples())
    if args.cases:
        chosen = [(name, case) for name, case in names
                  if name in args.cases or f"{name}/{case}" in args.cases]
        documented = [(where, text) for where, text in documented
                      if where.rpartition(":")[0] in args.cases]
        if not chosen and not documented:
            parser.error("no such case; there are: " +
                         " ".join(f"{name}/{case}" for name, case in names if case))
        names = chosen
    with open(f"{CASES}/prelude.rs", encoding="utf-8") as file:
        prelude = file.read()

    failed = 0
    with tempfile.TemporaryDirectory() as work:
        compiler = Compiler(args.kernel, args.mod, work, *CHECKING)
        compiler.genl()
        with concurrent.futures.ThreadPoolExecutor(os.cpu_count()) as pool:
            tests = [(f"{name}/{case}" if case else f"{name}: the program without errors compiles",
                      pool.submit(case_test, compiler, prelude, name, case))
                     for name, case in names]
            if not args.cases:
                tests.append(("each message has a case", pool.submit(messages_test)))
            tests += [(f"example {where}", pool.submit(example_test, compiler, where, text))
                      for where, text in documented]
            print("TAP version 13")
            print(f"1..{len(tests)}")
            for number, (name, future) in enumerate(tests, 1):
                wrong = future.result()
                failed += bool(wrong)
                print(f"{'not ' if wrong else ''}ok {number} {name}", flush=True)
                if wrong:
                    print("\n".join(f"# {line}" for line in wrong.splitlines()))
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
