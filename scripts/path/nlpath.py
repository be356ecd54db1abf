#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0
"""
'make nlpath': all of the tracer in one file, that runs on any machine with Python 3, ftrace and
root, and knows the specs that it was made with.

  scripts/path/nlpath.py --specs DIR... FILE
"""

import argparse
import json
import os
import sys
import zipfile
from pathlib import Path

import yaml

HERE = Path(__file__).resolve().parent
MAIN = "import sys\n\nimport trace\n\nsys.exit(trace.run())\n"
# Always the same, so that the same sources make the same bytes.
TIME = (1980, 1, 1, 0, 0, 0)


def main():
    """Writes the file."""
    parser = argparse.ArgumentParser(description="The tracer in one file.")
    parser.add_argument("--specs", required=True, action="append", type=Path, metavar="DIR",
                        help="a folder with specs of families")
    parser.add_argument("file", type=Path)
    args = parser.parse_args()
    loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
    files = {"__main__.py": MAIN}
    for path in sorted(HERE.glob("trace*.py")):
        files[path.name] = path.read_text(encoding="utf-8")
    for folder in args.specs:
        for path in sorted(folder.glob("*.yaml")):
            # Python alone reads JSON, not YAML.
            spec = yaml.load(path.read_text(encoding="utf-8"), Loader=loader)
            files.setdefault(f"specs/{path.stem}.json", json.dumps(spec, separators=(",", ":")))
    with open(args.file, "wb") as out:
        out.write(b"#!/usr/bin/env python3\n")
        with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
            for name, text in files.items():
                archive.writestr(zipfile.ZipInfo(name, TIME), text, zipfile.ZIP_DEFLATED)
    os.chmod(args.file, 0o755)
    return 0


if __name__ == "__main__":
    sys.exit(main())
