"""Proxies: by which one an API server is reached, as kubectl reads it.

The kubeconfig's `proxy-url` counts first, then what the environment says, in Go's way and not in
Python's: NO_PROXY may name ranges of addresses and ports, and an address of this very machine needs
no proxy (golang.org/x/net/http/httpproxy config.go).
"""

from __future__ import annotations

from collections.abc import Mapping
from ipaddress import IPv4Address, IPv6Address, ip_address, ip_network
from typing import NamedTuple
from urllib.parse import urlsplit

from rke2_lint.verify.kubeconfig import Context, is_address

_PORTS = {"https": 443, "http": 80}
_SCHEMES = ("http", "https", "socks5", "socks5h")


class Proxy(NamedTuple):
    """A proxy, and who names it."""

    url: str
    """There may be a password in it."""
    by: str
    """For people: `its proxy-url`, or the name of a variable."""

    @property
    def is_usable(self) -> bool:
        """Whether it is an address of a proxy of any kind that is known here."""
        return is_address(self.url, _SCHEMES)


def proxy_of(context: Context, environment: Mapping[str, str]) -> Proxy | None:
    """Return the proxy to go by to a context's API server; None where none is needed."""
    if said := context.cluster.text("proxy-url"):
        return Proxy(said, "its proxy-url")
    address = urlsplit(context.server)
    variable, url = _first(environment, f"{address.scheme.upper()}_PROXY")
    host = (address.hostname or "").rstrip(".")
    if not url or _is_excepted(host, address.port or _PORTS[address.scheme], environment):
        return None
    scheme, marked, _ = url.partition("://")
    return Proxy(url if marked and scheme.lower() in _SCHEMES else f"http://{url}", variable)


def _first(environment: Mapping[str, str], name: str) -> tuple[str, str]:
    """Return a variable that is set, and its value: in capitals, or else in small letters."""
    for each in (name, name.lower()):
        if value := environment.get(each, ""):
            return each, value
    return name, ""


def _is_excepted(host: str, port: int, environment: Mapping[str, str]) -> bool:
    """Return whether no proxy is used for a host."""
    address = _address(host)
    if host == "localhost" or (address is not None and address.is_loopback):
        return True
    _, listed = _first(environment, "NO_PROXY")
    return any(
        _names(entry, host, address, port)
        for one in listed.split(",")
        if (entry := one.strip().lower())
    )


def _names(entry: str, host: str, address: IPv4Address | IPv6Address | None, port: int) -> bool:
    """Return whether an entry of NO_PROXY means a host."""
    if entry == "*":
        return True
    if "/" in entry:
        try:
            network = ip_network(entry, strict=False)
        except ValueError:
            return False
        return address is not None and address in network
    name, wanted = _without_port(entry)
    if wanted and wanted != str(port):
        return False
    if (listed := _address(name)) is not None:
        return listed == address
    if name.startswith("*."):
        name = name[1:]
    # A name means what is below it as well; one that begins with a dot, only that.
    return bool(name.strip(".")) and (
        host.endswith(name if name.startswith(".") else f".{name}") or host == name
    )


def _without_port(entry: str) -> tuple[str, str]:
    if entry.startswith("["):
        name, _, rest = entry[1:].partition("]")
        return name, rest.removeprefix(":")
    if entry.count(":") == 1:
        name, _, port = entry.partition(":")
        return name, port
    return entry, ""


def _address(text: str) -> IPv4Address | IPv6Address | None:
    try:
        return ip_address(text)
    except ValueError:
        return None
