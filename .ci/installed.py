"""Check an installed sitewatch from outside its checkout: every module imports, every data file is there.

``python -I installed.py imagery/data/sites.geojson ...`` with the data files that the checkout has.
"""

import importlib
import importlib.metadata
import importlib.resources
import pkgutil
import sys
from pathlib import Path

PACKAGES = ("imagery", "models", "catalog", "review", "flows")


def modules(package: str) -> list[str]:
    """Names of a package and of every module below it; a ``__main__`` would run on import and is left out."""
    found = importlib.import_module(package)
    below = pkgutil.walk_packages(found.__path__, f"{package}.")
    return [package, *(module.name for module in below if not module.name.endswith("__main__"))]


def main(data: list[str]) -> int:
    """Print what was found; 1 where something is missing or comes from outside this environment."""
    names = [name for package in PACKAGES for name in modules(package)]
    environment = Path(sys.prefix).resolve()
    faults = [
        f"{name} was imported from {module.__file__}"
        for name in names
        if (module := importlib.import_module(name)).__file__ is None
        or environment not in Path(module.__file__ or "").resolve().parents
    ]
    for file in data:
        package, _, inside = file.partition("/")
        found = importlib.resources.files(package) / inside
        if not (found.is_file() and (found.read_bytes() or inside == "py.typed")):
            faults.append(f"{file} is missing or empty")
    version = importlib.metadata.version("sitewatch")
    if version != importlib.import_module("imagery").__version__:
        faults.append(
            f"metadata says {version}, imagery says {importlib.import_module('imagery').__version__}"
        )
    if not data:
        faults.append("no data files were named")
    licences = importlib.metadata.metadata("sitewatch").get_all("License-File") or []
    faults += [f"{name} is not in the wheel" for name in ("LICENSE", "NOTICE") if name not in licences]
    sys.stdout.write("".join(f"{fault}\n" for fault in faults))
    sys.stdout.write(f"sitewatch {version}: {len(names)} modules import, {len(data)} data files\n")
    return 1 if faults else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
