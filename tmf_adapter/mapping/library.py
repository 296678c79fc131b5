"""The CEL library, without its command line.

It would load that, and with it a terminal toolkit, whenever it is imported: a tenth of the adapter's start. So it finds
an empty module in its place.
"""

import sys
from types import ModuleType

_CLI = "cel.cli"
_is_absent = _CLI not in sys.modules
if _is_absent:
    sys.modules[_CLI] = ModuleType(_CLI)

import cel  # noqa: E402

if _is_absent:
    del sys.modules[_CLI]

__all__ = ["cel"]
