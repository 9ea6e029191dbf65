"""Address: where a worker is reached."""

from ipaddress import ip_address


def in_url(host: str) -> str:
    """Return a host name or address as a URL has it: an IPv6 address stands in brackets."""
    return f"[{host}]" if ":" in host and not host.startswith("[") else host


def is_loopback(host: str) -> bool:
    """Tell whether only this machine reaches an address."""
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"
