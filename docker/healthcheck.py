"""The image's HEALTHCHECK: `python -m docker.healthcheck PORT` exits with 0 while the server here
answers /healthz, else with 1. Loads no settings.
"""

import sys
from http.client import HTTPConnection, HTTPException


def is_healthy(port: int) -> bool:
    """Whether 200 came within three seconds."""
    connection = HTTPConnection("127.0.0.1", port, timeout=3)
    try:
        connection.request("GET", "/healthz")
        return connection.getresponse().status == 200
    except (OSError, HTTPException):
        return False
    finally:
        connection.close()


if __name__ == "__main__":
    sys.exit(not is_healthy(int(sys.argv[1])))
