"""Makes static/vendor/codemirror.js again: CodeMirror 6 and its languages as one ES module, and their licences.

Needs npm, and the network once. Every package is pinned by version and by the registry's hash in vendor_editor.json;
the hashes of what comes out are there too, and a test compares them with the files: nobody edits those by hand.

    python scripts/vendor_editor.py            make the files; fails if a package or the result is not the pinned one
    python scripts/vendor_editor.py --update   take what is newest now, and write down what that was
"""

import argparse
import hashlib
import json
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

HERE = Path(__file__).parent
PINS = HERE / "vendor_editor.json"
ENTRY = HERE / "vendor_editor.mjs"
VENDOR = HERE.parent / "static" / "vendor"
BANNER = "/* CodeMirror 6, bundled by scripts/vendor_editor.py. MIT: see codemirror.LICENSE. Do not edit. */"
BUNDLER = "esbuild"


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--update", action="store_true", help="take the newest versions and write them down")
    update = parser.parse_args().update
    npm = shutil.which("npm")
    if npm is None:
        sys.exit("npm is not on the path: install Node.js, which brings it, and try again.")
    pins = json.loads(PINS.read_text(encoding="utf-8"))
    with tempfile.TemporaryDirectory() as folder:
        made = make(npm, Path(folder), pins, update=update)
    if update:
        PINS.write_text(json.dumps(made, indent=2) + "\n", encoding="utf-8")
    elif made != pins:
        changed = sorted(name for name in made["packages"] | pins["packages"] if differs(made, pins, name))
        sys.exit(f"not what vendor_editor.json says: {', '.join(changed) or 'the bundle itself'}")
    return 0


def differs(made: dict[str, Any], pins: dict[str, Any], name: str) -> bool:
    return bool(made["packages"].get(name) != pins["packages"].get(name))


def make(npm: str, folder: Path, pins: dict[str, Any], *, update: bool) -> dict[str, Any]:
    """Installs, bundles and writes the files; gives what vendor_editor.json should say of them."""
    versions = dict.fromkeys(pins["asked"], "*")
    if not update:
        versions = {name: one["version"] for name, one in pins["packages"].items()}
    (folder / "package.json").write_text(json.dumps({"private": True, "dependencies": versions}), encoding="utf-8")
    install = [npm, "install", "--ignore-scripts", "--no-audit", "--no-fund", "--loglevel=error"]
    subprocess.run(install, cwd=folder, check=True)
    packages = installed(folder)
    shutil.copy(ENTRY, folder / "entry.mjs")
    bundler = folder / "node_modules" / ".bin" / BUNDLER
    options = ["--bundle", "--format=esm", "--minify", "--charset=utf8", "--target=es2022", "--legal-comments=none"]
    output = folder / "codemirror.js"
    subprocess.run(
        [str(bundler), "entry.mjs", *options, f"--banner:js={BANNER}", f"--outfile={output}"], cwd=folder, check=True
    )
    VENDOR.mkdir(exist_ok=True)
    shutil.copyfile(output, VENDOR / "codemirror.js")
    (VENDOR / "codemirror.LICENSE").write_text(licences(folder, packages), encoding="utf-8", newline="\n")
    files = {path.name: hashlib.sha256(path.read_bytes()).hexdigest() for path in sorted(VENDOR.iterdir())}
    return {"asked": pins["asked"], "packages": packages, "files": files}


def installed(folder: Path) -> dict[str, dict[str, str]]:
    """{name: {version, integrity}} of all that was installed; the bundler's own binary differs between machines."""
    lock = json.loads((folder / "node_modules" / ".package-lock.json").read_text(encoding="utf-8"))
    found = {path.removeprefix("node_modules/"): package for path, package in lock["packages"].items()}
    return {
        name: {"version": package["version"], "integrity": package["integrity"]}
        for name, package in sorted(found.items())
        if not name.startswith(f"@{BUNDLER}/")
    }


def licences(folder: Path, packages: dict[str, dict[str, str]]) -> str:
    """Each licence text once, under the names of the packages that carry it."""
    holders: dict[str, list[str]] = {}
    for name, package in packages.items():
        if name == BUNDLER:
            continue
        text = (folder / "node_modules" / name / "LICENSE").read_text(encoding="utf-8").strip()
        holders.setdefault(text, []).append(f"{name} {package['version']}")
    return "\n\n".join(f"{', '.join(names)}\n\n{text}" for text, names in sorted(holders.items())) + "\n"


if __name__ == "__main__":
    sys.exit(main())
