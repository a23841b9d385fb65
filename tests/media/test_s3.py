"""Files in S3: uploaded, fetched in parts and purged, on an S3 of the test's own (moto)."""

from collections.abc import Callable, Iterator

import boto3
import pytest
from moto.server import ThreadedMotoServer

from tests.support import files
from tests.support.people import Person
from tests.support.servers import ChatServer

KEYS = {"aws_access_key_id": "for-tests", "aws_secret_access_key": "for-tests-only", "region_name": "us-east-1"}


@pytest.fixture
def s3() -> Iterator[str]:
    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    host, port = server.get_host_and_port()
    yield f"http://{host}:{port}"
    server.stop()


def test_files_are_kept_in_s3(s3: str, new_person: Callable[..., Person]) -> None:
    bucket = boto3.resource("s3", endpoint_url=s3, **KEYS).create_bucket(Bucket="chat")
    where = {
        "MEDIA_S3_BUCKET": "chat",
        "MEDIA_S3_ENDPOINT": s3,
        "MEDIA_S3_REGION": "us-east-1",
        "MEDIA_S3_ACCESS_KEY": "for-tests",
        "MEDIA_S3_SECRET_KEY": "for-tests-only",
    }
    with ChatServer(env=where) as server:
        dan = new_person("dan", server)
        text = b"0123456789" * 200_000
        note = dan.post("/api/attachments/", files={"file": ("a.txt", text)}, status=201)
        photo = dan.post("/api/attachments/", files={"file": ("a.jpg", files.jpeg(1600, 1200))}, status=201)
        assert len(list(bucket.objects.all())) == 4, "the text, the photo, and two smaller ones"
        assert dan.http.get(note["url"]).content == text
        part = dan.http.get(note["url"], headers={"Range": "bytes=1000005-1000008"})
        assert (part.status_code, part.content) == (206, b"5678")
        assert dan.http.get(photo["thumbnailUrl"]).headers["Content-Type"] == "image/webp"
        assert "2 files purged" in server.manage("purge_attachments", "--hours=0")
        assert not list(bucket.objects.all())
