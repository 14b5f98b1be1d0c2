"""A third party's provider package, installed beside Elder Worker: a folder with its metadata and modules, for PYTHONPATH."""

from __future__ import annotations

import os
import pathlib
from collections.abc import Iterable, Mapping

ROOT = pathlib.Path(__file__).resolve().parents[2]


def install(
    site: pathlib.Path,
    providers: Mapping[str, str],
    modules: Mapping[str, str] | None = None,
    *,
    name: str = "elder-hostile",
    claims: Iterable[str] = (),
) -> str:
    """Installs a package with these providers (name -> ``module:Class``) and modules (file -> text); returns a PYTHONPATH that has it.

    Modules of `claims` are on its list of files as well, without being there.
    """
    folder = name.replace("-", "_")
    info = site / f"{folder}-1.0.dist-info"
    info.mkdir(parents=True, exist_ok=True)
    (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {name}\nVersion: 1.0\n")
    (info / "entry_points.txt").write_text("[elder_worker.providers]\n" + "".join(f"{key} = {value}\n" for key, value in providers.items()))
    for file, text in (modules or {}).items():
        (site / file).parent.mkdir(parents=True, exist_ok=True)
        (site / file).write_text(text)
    files = [str(path.relative_to(site)) for path in site.rglob("*") if path.is_file() and path.name != "RECORD"]
    (info / "RECORD").write_text("".join(f"{file},,\n" for file in (*files, *(f"{one}.py" for one in claims))))
    return f"{site}{os.pathsep}{ROOT}"
