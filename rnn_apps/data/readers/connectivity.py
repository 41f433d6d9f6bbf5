"""Whether a download can work, found out in seconds rather than by waiting for its retries to run out."""

from __future__ import annotations

import base64
import http.client
import queue
import socket
import threading
import time
import urllib.parse
import urllib.request
from collections.abc import Iterable

DEADLINE_SECONDS = 3.5  # for all hosts together, name resolution included
ADDRESS_SECONDS = 1.5  # for one address of a host, so that a dead IPv6 route leaves time for IPv4
MAX_HOSTS = 16
PORTS = {"http": 80, "https": 443, "ftp": 21}


def why_unreachable(urls: Iterable[str]) -> str | None:
    """Tries to connect to the hosts of `urls`, all at once, through the proxies of the environment.

    Args:
        urls: addresses that a download would use, schemes http, https and ftp.

    Returns:
        `None` as soon as one host (or the proxy on the way to it) accepts a connection, or where `urls` is empty;
        else the reason as one phrase, "no connection to a.org (Name or service not known)", after at most
        `DEADLINE_SECONDS`.
    """
    origins = list(dict.fromkeys(_origin(url) for url in urls))[:MAX_HOSTS]
    if not origins:
        return None
    answers: queue.Queue[tuple[str, str | None]] = queue.Queue()
    for scheme, host, port in origins:
        # daemon threads: nobody waits for one that hangs in name resolution, which knows no timeout
        threading.Thread(target=_probe, args=(scheme, host, port, answers), daemon=True).start()
    reasons = {host: f"no answer within {DEADLINE_SECONDS:g} s" for _, host, _ in origins}
    deadline = time.monotonic() + DEADLINE_SECONDS
    for _ in origins:
        try:
            host, reason = answers.get(timeout=max(0.0, deadline - time.monotonic()))
        except queue.Empty:
            break
        if reason is None:
            return None
        reasons[host] = reason
    shown = [f"{host} ({reason})" for host, reason in list(reasons.items())[:2]]
    more = f" or {len(reasons) - len(shown)} more hosts" if len(reasons) > len(shown) else ""
    return f"no connection to {', '.join(shown)}{more}"


def _origin(url: str) -> tuple[str, str, int]:
    """Returns scheme, host and port of `url`."""
    parts = urllib.parse.urlsplit(url)
    return parts.scheme, parts.hostname or "", parts.port or PORTS.get(parts.scheme, 443)


def _probe(scheme: str, host: str, port: int, answers: queue.Queue[tuple[str, str | None]]) -> None:
    try:
        proxy = _proxy(scheme, host)
        if proxy is None:
            socket.create_connection((host, port), timeout=ADDRESS_SECONDS).close()
        else:
            _connect_through(proxy, scheme, host, port)
    except (OSError, UnicodeError, http.client.HTTPException) as error:
        answers.put((host, getattr(error, "strerror", None) or str(error) or type(error).__name__))
    else:
        answers.put((host, None))


def _proxy(scheme: str, host: str) -> urllib.parse.SplitResult | None:
    """Returns the proxy that HTTPS_PROXY, ALL_PROXY, NO_PROXY and the like name for this host."""
    proxies = urllib.request.getproxies()
    address = proxies.get(scheme) or proxies.get("all")
    if not address or urllib.request.proxy_bypass(host):
        return None
    return urllib.parse.urlsplit(address if "://" in address else f"http://{address}")


def _connect_through(proxy: urllib.parse.SplitResult, scheme: str, host: str, port: int) -> None:
    """Connects to the proxy and, where that is how the download will go, has it open a tunnel to the host."""
    proxy_host, proxy_port = proxy.hostname or "", proxy.port or PORTS.get(proxy.scheme, 1080)
    if scheme != "https" or proxy.scheme != "http":
        socket.create_connection((proxy_host, proxy_port), timeout=ADDRESS_SECONDS).close()
        return
    headers = {}
    if proxy.username:
        user = f"{urllib.parse.unquote(proxy.username)}:{urllib.parse.unquote(proxy.password or '')}"
        headers["Proxy-Authorization"] = f"Basic {base64.b64encode(user.encode()).decode()}"
    connection = http.client.HTTPConnection(proxy_host, proxy_port, timeout=DEADLINE_SECONDS)
    connection.set_tunnel(host, port, headers)
    try:
        connection.connect()
    finally:
        connection.close()
