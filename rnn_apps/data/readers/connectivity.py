"""Whether a download can work, found out in seconds rather than by waiting for its retries to run out."""

from __future__ import annotations

import queue
import threading
import time
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Iterable

DEADLINE_SECONDS = 3.5  # for all hosts together, name resolution included
MAX_HOSTS = 16


def why_unreachable(urls: Iterable[str]) -> str | None:
    """Asks the hosts of `urls` for the head of one of their addresses, all at once, as a download would ask.

    Args:
        urls: addresses that a download would use; the proxies of the environment are used as for any other request.

    Returns:
        `None` as soon as one host answers, whatever it says, or where `urls` is empty; else the reason as one phrase,
        "no connection to a.org (Name or service not known)", after at most `DEADLINE_SECONDS`.
    """
    by_host = {urllib.parse.urlsplit(url).hostname or "": url for url in reversed(list(urls))}
    asked = dict(list(reversed(by_host.items()))[:MAX_HOSTS])
    answers: queue.Queue[tuple[str, str | None]] = queue.Queue()
    for host, url in asked.items():
        # daemon threads: nobody waits for one that hangs in name resolution, which knows no timeout
        threading.Thread(target=lambda *pair: answers.put(_ask(*pair)), args=(host, url), daemon=True).start()
    reasons = dict.fromkeys(asked, f"no answer within {DEADLINE_SECONDS:g} s")
    deadline = time.monotonic() + DEADLINE_SECONDS
    for _ in asked:
        try:
            host, reason = answers.get(timeout=max(0.0, deadline - time.monotonic()))
        except queue.Empty:
            break
        if reason is None:
            return None
        reasons[host] = reason
    shown = [f"{host} ({reason})" for host, reason in list(reasons.items())[:2]]
    more = f" or {len(reasons) - len(shown)} more hosts" if len(reasons) > len(shown) else ""
    return f"no connection to {', '.join(shown)}{more}" if reasons else None


def _ask(host: str, url: str) -> tuple[str, str | None]:
    """Returns the host, and why it does not answer; None if it does."""
    request = urllib.request.Request(url, method="HEAD")
    try:
        # an opener of its own: the global one keeps the proxies that it met first
        urllib.request.build_opener().open(request, timeout=DEADLINE_SECONDS).close()
    except urllib.error.HTTPError:
        return host, None
    except (OSError, ValueError) as error:
        reason = getattr(error, "reason", error)
        return host, getattr(reason, "strerror", None) or str(reason) or type(reason).__name__
    return host, None
