"""Messages as signed JSON to an address of the operator's."""

from __future__ import annotations

import hashlib
import hmac
import json
from urllib.parse import urlsplit

from keelway.clients.http import HttpClient
from keelway.clients.secret_file import resolve
from keelway.core.codec import to_json
from keelway.core.errors import TheirFault, YourFault
from keelway.ports.channel import Message, Notifier

SIGNATURE = "X-Keelway-Signature"
DELIVERY = "X-Keelway-Delivery"
_SECONDS = 10.0


class WebhookNotifier:
    """Post every message to one address; the receiver tells repeats by ``X-Keelway-Delivery``.

    The signature is ``sha256=`` and the HMAC-SHA256 (RFC 2104) of the body under the secret.
    """

    def __init__(self, url: str, secret_reference: str) -> None:
        parts = urlsplit(url)
        if parts.scheme not in {"http", "https"} or not parts.netloc:
            raise YourFault("webhook_invalid", f"{url!r} is no address.", "write https://host/path")
        self._base, self._path = f"{parts.scheme}://{parts.netloc}", parts.path or "/"
        self._path += f"?{parts.query}" if parts.query else ""
        self._secret_reference = secret_reference

    def tell(self, message: Message, *, key: str) -> None:
        """Post a message.

        Raises:
            TheirFault: nobody took it (``not_delivered``).
        """
        body = {"key": key, **to_json(message)}
        # The client writes JSON in exactly this form, and the signature is over its bytes.
        text = json.dumps(body, ensure_ascii=False, separators=(",", ":"), allow_nan=False).encode()
        secret = resolve(self._secret_reference).encode()
        signature = "sha256=" + hmac.new(secret, text, hashlib.sha256).hexdigest()
        delivery = hashlib.sha256(key.encode()).hexdigest()
        with HttpClient(self._base, timeout_seconds=_SECONDS) as client:
            answer = client.request(
                "POST", self._path, json=body, headers={SIGNATURE: signature, DELIVERY: delivery}
            )
        if not answer.ok:
            raise TheirFault(
                "not_delivered", f"The webhook at {self._base} answered {answer.status}.", "see its own log"
            )


_check: type[Notifier] = WebhookNotifier
ADAPTER = WebhookNotifier
