"""The actions of integrations as the installed Home Assistant registers them.

Their own libraries, which talk to hardware and clouds, are not installed: where they
are imported stands something that can do nothing.
"""

from collections.abc import Sequence
from functools import cache
import importlib
from importlib.machinery import ModuleSpec
from pathlib import Path
import sys
from types import ModuleType
from typing import Any, override
from unittest.mock import MagicMock, patch

import homeassistant.components
from homeassistant.core import HomeAssistant

CORE = Path(homeassistant.components.__file__).parent
LIBRARIES = {
    "zwave_js_server",
    "chip",
    "matter_server",
    "pyschlage",
    "pycognito",
}


class Library(ModuleType):
    """A library in which everything is found, and nothing works."""

    __path__: Sequence[str] = ()

    def __getattr__(self, name: str) -> Any:
        """Return a field's name, an exception, or something else."""
        made: Any
        if name.startswith("__"):
            raise AttributeError(name)
        if name.startswith("ATTR_"):
            made = name.removeprefix("ATTR_").lower()
        elif name.endswith(("Error", "Exception")):
            made = type(name, (Exception,), {})
        else:
            made = MagicMock(name=name)
        setattr(self, name, made)
        return made


class Libraries:
    """Finds the libraries that are not installed."""

    def find_spec(self, name: str, *_: Any) -> ModuleSpec | None:
        """Return where a library is."""
        if name.partition(".")[0] in LIBRARIES:
            return ModuleSpec(name, self, is_package=True)  # type: ignore[arg-type]
        return None

    def create_module(self, spec: ModuleSpec) -> Library:
        """Make a library."""
        return Library(spec.name)

    def exec_module(self, module: ModuleType) -> None:
        """Do nothing more."""


class Package(ModuleType):
    """An integration's package without what it does when it is imported."""

    @override
    def __init__(self, domain: str) -> None:
        """Know where its modules are."""
        super().__init__(f"{homeassistant.components.__name__}.{domain}")
        self.__path__ = [str(CORE / domain)]


@cache
def module(domain: str, name: str = "") -> Any:
    """Import a module of an integration, or the integration itself."""
    package = f"{homeassistant.components.__name__}.{domain}"
    found = [Libraries(), *sys.meta_path]
    with patch.dict(sys.modules), patch.object(sys, "meta_path", found):
        if not name:
            return importlib.import_module(package)
        sys.modules[package] = Package(domain)
        return importlib.import_module(f"{package}.{name}")


async def register_actions(hass: HomeAssistant, domain: str) -> None:
    """Register an integration's actions by its own code."""
    if domain == "schlage":
        await module(domain).async_setup(hass, {})
    else:
        module(domain, "services").async_setup_services(hass)
