"""REST on one kept connection, timed. Blocks: who has other things to do calls it in a thread."""

import http.client
import time
from typing import Final

from tests.load.target import Target

TIMEOUT_SECONDS: Final = 30


class RestError(OSError):
    """The service has refused the request. `retryable`: for now only."""

    def __init__(self, status: int, path: str) -> None:
        super().__init__(f"GET {path} answered {status}")
        self.retryable = status in (429, 503)


class Rest:
    """One person's connection."""

    def __init__(self, target: Target, person: int) -> None:
        self._path = target.path
        self._headers = {"Authorization": f"Bearer {target.token(person)}", "Host": target.netloc}
        if target.tls:
            self._http: http.client.HTTPConnection = http.client.HTTPSConnection(
                target.host, target.port, context=target.tls, timeout=TIMEOUT_SECONDS
            )
        else:
            self._http = http.client.HTTPConnection(target.host, target.port, timeout=TIMEOUT_SECONDS)

    def get(self, path: str) -> float:
        """How many seconds it took until the whole answer was there. Raises OSError."""
        began = time.perf_counter()
        try:
            self._http.request("GET", self._path + path, headers=self._headers)
            answer = self._http.getresponse()
            answer.read()
        except http.client.HTTPException as error:
            self._http.close()
            raise ConnectionError(f"GET {path}: {error!r}") from error
        if answer.status != http.client.OK:
            raise RestError(answer.status, path)
        return time.perf_counter() - began

    def close(self) -> None:
        self._http.close()
