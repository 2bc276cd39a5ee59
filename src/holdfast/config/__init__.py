"""`holdfast.toml`: its shape (`settings`), how it is read (`reading`, `secrets`) and what must hold
between its tables (`rules`).

Refuses to know dialects, vendors or sockets: `upstream.catalog` turns settings into routes.
"""

from .reading import from_env, load, parse
from .rules import is_loopback
from .settings import (
    WILDCARD,
    BotSettings,
    GatewaySettings,
    McpSettings,
    ProviderSettings,
    Role,
    RouteSettings,
    ServerSettings,
    Settings,
)

__all__ = [
    "WILDCARD",
    "BotSettings",
    "GatewaySettings",
    "McpSettings",
    "ProviderSettings",
    "Role",
    "RouteSettings",
    "ServerSettings",
    "Settings",
    "from_env",
    "is_loopback",
    "load",
    "parse",
]
