"""The ``api-room`` directive: the reference of every module of one room, without a list to keep.

It finds the modules of a package by their names and asks ``autodoc`` for each, so a module that is
added appears on its page with the next build.
"""

from __future__ import annotations

import importlib
import pkgutil
from types import ModuleType

from docutils import nodes
from docutils.statemachine import StringList
from sphinx.addnodes import pending_xref
from sphinx.application import Sphinx
from sphinx.domains.python import PyObject
from sphinx.environment import BuildEnvironment
from sphinx.util.docutils import SphinxDirective


def modules_of(room: str) -> list[str]:
    """Return the names of the public modules of `room`, or `room` itself if it is one module.

    Parameters
    ----------
    room : str
        The dotted name of a package or module.

    Returns
    -------
    list of str
        In alphabetical order, the room first.

    Examples
    --------
    >>> modules_of("json")
    ['json', 'json.decoder', 'json.encoder', 'json.scanner', 'json.tool']
    """
    module = importlib.import_module(room)
    inner = [
        found.name
        for found in pkgutil.walk_packages(getattr(module, "__path__", []), prefix=f"{room}.")
        if not any(part.startswith("_") for part in found.name.split("."))
    ]
    return [room, *sorted(inner)]


def imports_of(module: ModuleType) -> list[str]:
    """Return a paragraph that names what can be imported from a package, each linked to its home.

    Parameters
    ----------
    module : module
        A package whose ``__all__`` names things that its modules define.

    Returns
    -------
    list of str
        Lines of reStructuredText; empty if the module defines everything itself.
    """
    words = []
    for name in getattr(module, "__all__", []):
        value = getattr(module, name)
        home = getattr(value, "__module__", None)
        if not isinstance(home, str) or home == module.__name__:
            continue
        words.append(f":py:obj:`{name} <{home}.{getattr(value, '__qualname__', name)}>`")
    return [f"Can be imported from here: {', '.join(words)}.", ""] if words else []


class ApiRoom(SphinxDirective):
    """Write one section a module: its docstring, then its public names."""

    required_arguments = 1

    def run(self) -> list[nodes.Node]:
        """Return one section for each module of the room."""
        sections = []
        for name in modules_of(self.arguments[0]):
            module = importlib.import_module(name)
            own = [
                value
                for key, value in vars(module).items()
                if not key.startswith("_") and getattr(value, "__module__", None) == name
            ]
            if not own and not (module.__doc__ or "").strip():
                continue
            section = nodes.section(ids=[f"module-page-{name.replace('.', '-')}"])
            section += nodes.title("", "", nodes.literal("", name))
            self.set_source_info(section)
            lines = [f".. automodule:: {name}", "   :members:", "   :ignore-module-all:", ""]
            lines += imports_of(module)
            self.state.nested_parse(
                StringList(lines, source=name), self.content_offset, section, match_titles=True
            )
            sections.append(section)
        return sections


def homes_of(target: str) -> list[str]:
    """Return the full names under which `target` may be documented, the most exact first.

    Docstrings name things as they are imported, such as ``ravm_course.data.load_flags``; the
    reference has them where they are defined. A field of a dataclass stands with its class.

    Parameters
    ----------
    target : str
        A dotted name of this course's package.

    Returns
    -------
    list of str
        Empty if there is no such thing.
    """
    parts = target.split(".")
    for count in range(len(parts) - 1, 0, -1):
        try:
            value = importlib.import_module(".".join(parts[:count]))
        except ImportError:
            continue
        rest = parts[count:]
        value = getattr(value, rest[0], None)
        module, name = getattr(value, "__module__", None), getattr(value, "__qualname__", None)
        if not isinstance(module, str) or not isinstance(name, str):
            return []
        home = f"{module}.{name}"
        return [".".join([home, *rest[1:]]), home]
    return []


def resolve_import(
    app: Sphinx, env: BuildEnvironment, node: pending_xref, contents: nodes.Node
) -> nodes.Node | None:
    """Link a name that is imported from a package to where it is documented."""
    if node.get("refdomain") != "py" or not node["reftarget"].startswith("ravm_course."):
        return None
    domain = env.get_domain("py")
    for home in homes_of(node["reftarget"]):
        found = domain.resolve_xref(env, node["refdoc"], app.builder, "obj", home, node, contents)
        if found is not None:
            return found
    return None


def setup(app: Sphinx) -> dict[str, bool | str]:
    """Register the directive."""
    app.add_directive("api-room", ApiRoom)
    app.connect("missing-reference", resolve_import)
    for field in PyObject.doc_field_types:
        if field.name == "variable":
            field.label = "Attributes"  # what numpydoc calls them; Sphinx says Variables
    return {"version": "1", "parallel_read_safe": True, "parallel_write_safe": True}
