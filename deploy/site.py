"""The documentation as a site: ``make site`` writes it to ./site.

The pages are those of docs/, and `PAGES` besides. They are copied into build/site, with docs/images, and with every link as the site has
it: a link to a file that is not a page (a manifest, a test) becomes the name of that file, as nobody knows where a reader's copy of the
repository is. The generator is Zensical, the successor of Material for MkDocs by the same team; mkdocs.yml is its configuration.
"""

from __future__ import annotations

import os
import posixpath
import re
import shutil
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent

PAGES = {
    "README.md": "index.md",
    "CONTRIBUTING.md": "CONTRIBUTING.md",
    "CHANGELOG.md": "CHANGELOG.md",
    "SECURITY.md": "SECURITY.md",
    "development/aws-discovery-setup.md": "aws-discovery-setup.md",
}
"""Files outside docs/, and the pages that they are."""

_LINK = re.compile(r"(?P<image>!?)\[(?P<text>(?:[^\]\[]|\[[^\]]*\])*)\]\((?P<path>[^)\s#:]+)(?P<anchor>#[^)\s]*)?\)")


def pages() -> dict[str, str]:
    """The text of each page of the site, by its file name."""
    found = {page: relinked((ROOT / name).read_text(), posixpath.dirname(name)) for name, page in PAGES.items()}
    return found | {path.name: relinked(path.read_text(), "docs") for path in sorted((ROOT / "docs").glob("*.md"))}


def relinked(markdown: str, folder: str) -> str:
    """The text of a page in `folder` of the repository, each relative link as one between pages, or as the file's name."""
    return _LINK.sub(lambda match: _link(match, folder), markdown)


def _link(match: re.Match[str], folder: str) -> str:
    path = posixpath.normpath(posixpath.join(folder, match["path"]))
    text, anchor = match["text"], match["anchor"] or ""
    target = PAGES.get(path) or (path.removeprefix("docs/") if path.startswith("docs/") and path.endswith(".md") else "")
    if match["image"] and (ROOT / path).exists():
        return f"![{text}]({path.removeprefix('docs/')})"
    if target:
        return f"[{text}]({target}{anchor})"
    if not (ROOT / path).exists():
        return match[0]  # the generator says that it leads nowhere
    return f"`{path}`" if text.strip("`").rstrip("/") == path else f"{text} (`{path}`)"


def build(folder: Path) -> int:
    """Builds the site into ``folder/site``. Returns the generator's exit code, which is not 0 for a link or anchor that leads nowhere."""
    shutil.rmtree(folder / "build" / "site", ignore_errors=True)
    (folder / "build" / "site").mkdir(parents=True)
    shutil.copytree(ROOT / "docs" / "images", folder / "build" / "site" / "images")
    for name, text in pages().items():
        (folder / "build" / "site" / name).write_text(text)
    if folder != ROOT:
        shutil.copy(ROOT / "mkdocs.yml", folder)
    command = [sys.executable, "-m", "zensical", "build", "--clean", "--strict"]
    return subprocess.run(command, cwd=folder, env=os.environ | {"PYTHONDONTWRITEBYTECODE": "1"}, check=False).returncode


if __name__ == "__main__":
    sys.exit(build(Path(sys.argv[1]).resolve() if len(sys.argv) > 1 else ROOT))
