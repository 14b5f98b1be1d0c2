"""Modules that a module's source imports: a reader that is to share no code with ours imports none of it."""

from __future__ import annotations

import ast
import inspect
from types import ModuleType


def imports(module: ModuleType) -> set[str | None]:
    """The names of the modules that are imported anywhere in the source of `module`."""
    nodes = list(ast.walk(ast.parse(inspect.getsource(module))))
    plain = {alias.name for node in nodes if isinstance(node, ast.Import) for alias in node.names}
    return plain | {node.module for node in nodes if isinstance(node, ast.ImportFrom)}
