"""Files: uploaded, sent, fetched by who may have them at the moment, at whichever of two servers; and nothing is left
of what was not taken."""

import asyncio
import io
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from tests.support import files
from tests.support.people import Person
from tests.support.servers import ChatServer

UPLOADS = "/api/attachments/"
PHOTO = files.jpeg(1600, 1200, gps=True)


def upload(person: Person, content: bytes = PHOTO, name: str = "photo.jpg") -> Any:
    return person.post(UPLOADS, files={"file": (name, content)}, status=201)


def content_of(person: Person, url: str, *, status: int = 200, **headers: str) -> bytes:
    answer = person.http.get(url, headers={name.replace("_", "-"): value for name, value in headers.items()})
    assert answer.status_code == status, answer.text[:200]
    return answer.content


async def test_a_photo_is_sent_and_seen(alice: Person, bob: Person, conversation: Any) -> None:
    talk = conversation["id"]
    sent = upload(alice, name="C:\\photos\\My field.JPEG")
    assert {key: sent[key] for key in ("name", "type", "width", "height", "duration", "waveform")} == {
        "name": "My field.jpg",
        "type": "image/jpeg",
        "width": 1600,
        "height": 1200,
        "duration": None,
        "waveform": None,
    }
    async with alice.connect() as a, bob.connect() as b:
        asked = {
            "conversationId": talk,
            "content": "",
            "type": "IMAGE",
            "clientId": "c1",
            "attachmentIds": [sent["id"]],
        }
        message = (await a.ask("message:send", asked))["message"]
        assert (message["type"], message["attachments"], message["attachmentUrl"]) == ("IMAGE", [sent], sent["url"])
        heard = (await b.expect("message:new", id=message["id"])).data
        assert (heard["attachments"], heard["attachmentUrl"]) == ([sent], sent["url"])
        again = await a.ask("message:send", asked)
        assert (again["message"]["id"], again["duplicate"]) == (message["id"], True)
        await a.ask_refused("message:send", {**asked, "attachmentIds": []}, code="invalid_field", field="attachmentIds")
        for other in ("c2", None):
            error = await a.ask_refused("message:send", {**asked, "clientId": other}, code="not_found")
            assert error["field"] == "attachmentIds", "sent already"
    for where in (f"/api/conversations/{talk}/messages/", f"/api/messages/{message['id']}/"):
        found = bob.get(where)
        assert (found if "id" in found else found["messages"][-1])["attachments"] == [sent]
    assert bob.post("/api/sync/", {"cursors": {talk: 0}})["changes"][talk][0]["attachments"] == [sent]

    whole = content_of(bob, sent["url"])
    picture = Image.open(io.BytesIO(whole))
    assert (picture.size, len(whole)) == ((1600, 1200), sent["size"])
    assert not picture.getexif()
    assert b"Secret Camera" not in whole
    assert max(Image.open(io.BytesIO(content_of(bob, sent["thumbnailUrl"]))).size) == 320
    assert max(Image.open(io.BytesIO(content_of(bob, f"{sent['url']}?side=1000"))).size) == 1280
    assert content_of(bob, f"{sent['url']}?side=2000") == whole
    bob.refused("GET", f"{sent['url']}?side=0", code="invalid_field", field="side")


def test_a_file_is_answered_in_parts_and_safely(alice: Person) -> None:
    text = bytes(range(32, 127)) * 20_000
    sent = upload(alice, text, name="prices; é.csv")
    assert (sent["type"], sent["name"]) == ("text/plain", "prices; é.txt")
    answer = alice.http.get(sent["url"])
    assert answer.content == text
    headers = answer.headers
    assert headers["Content-Type"] == "text/plain"
    assert headers["Content-Disposition"].startswith("attachment; ")
    assert headers["X-Content-Type-Options"] == "nosniff"
    assert "sandbox" in headers["Content-Security-Policy"]
    assert headers["Cache-Control"] == "private, no-cache"
    assert int(headers["Content-Length"]) == len(text)
    etag = headers["ETag"]
    assert content_of(alice, sent["url"], status=304, If_None_Match=etag) == b""

    def part(asked: str, status: int = 206, *, unless: str | None = None) -> tuple[bytes, str | None]:
        given = alice.http.get(sent["url"], headers={"Range": asked, **({"If-Range": unless} if unless else {})})
        assert given.status_code == status, asked
        return given.content, given.headers.get("Content-Range")

    size = len(text)
    assert part("bytes=0-0") == (text[:1], f"bytes 0-0/{size}")
    assert part("bytes=1000-600000") == (text[1000:600_001], f"bytes 1000-600000/{size}")
    assert part(f"bytes={size - 5}-") == (text[-5:], f"bytes {size - 5}-{size - 1}/{size}")
    assert part("bytes=-7") == (text[-7:], f"bytes {size - 7}-{size - 1}/{size}")
    assert part(f"bytes=0-{size * 9}") == (text, f"bytes 0-{size - 1}/{size}")
    assert part("bytes=-0", 416) == (b"", f"bytes */{size}")
    assert part(f"bytes={size}-", 416) == (b"", f"bytes */{size}")
    for whole in ("bytes=0-1,5-6", "lines=1-2", "bytes=-", "bytes=a-b", "bytes=5-3"):
        assert part(whole, 200) == (text, None)
    assert part("bytes=0-0", unless=etag)[0] == text[:1]
    assert part("bytes=0-0", 200, unless='"another"')[0] == text

    head = alice.http.head(sent["url"], headers={"Range": "bytes=0-1"})
    assert (head.status_code, head.headers["Content-Length"], head.content) == (200, str(size), b"")
    picture = alice.http.get(upload(alice)["url"])
    assert picture.headers["Content-Disposition"].startswith("inline; ")


async def test_who_may_have_it_is_asked_each_time(alice: Person, bob: Person, mallory: Person) -> None:
    group = alice.founds("Eggs", bob)
    sent = upload(alice)
    for stranger in (bob, mallory):
        stranger.refused("GET", sent["url"], code="not_found")
    content_of(alice, sent["url"])
    path = f"/api/conversations/{group['conversationId']}/messages/"
    message = alice.post(path, {"content": "look", "attachmentIds": [sent["id"]]}, status=201)["message"]
    assert message["type"] == "IMAGE"
    content_of(bob, sent["url"])
    mallory.refused("GET", sent["url"], code="not_found")
    mallory.refused("POST", f"{sent['url']}link/", code="not_found")

    bob.post("/api/blocks/", {"userId": alice.id})
    bob.refused("GET", sent["url"], code="not_found")
    bob.delete(f"/api/blocks/{alice.id}/")
    content_of(bob, sent["url"])
    alice.delete(f"/api/groups/{group['id']}/members/{bob.id}/")
    bob.refused("GET", sent["url"], code="not_found")
    alice.post(f"/api/groups/{group['id']}/members/", {"userId": bob.id})
    content_of(bob, sent["url"])
    gone = alice.delete(f"/api/messages/{message['id']}/")
    assert (gone["attachments"], gone["attachmentUrl"]) == ([], None)
    for person in (alice, bob):
        person.refused("GET", sent["url"], code="not_found")


def test_a_link_is_for_one_person_and_some_minutes(alice: Person, bob: Person, conversation: Any) -> None:
    sent = upload(alice)
    bob.refused("POST", f"{sent['url']}link/", code="not_found")
    path = f"/api/conversations/{conversation['id']}/messages/"
    alice.post(path, {"content": "", "attachmentIds": [sent["id"]]}, status=201)
    given = bob.post(f"{sent['url']}link/", status=201)
    bare = Person("nobody", alice.server)
    del bare.http.headers["Authorization"]
    assert len(content_of(bare, given["url"])) == sent["size"], "at the other server too"
    assert content_of(bare, f"{given['url']}&side=320")
    other = upload(alice)
    signed = given["url"].partition("?")[2]
    for wrong in (f"{other['url']}?{signed}", f"{given['url']}x", f"{sent['url']}?link=", f"{sent['url']}?link=a:b:c"):
        bare.refused("GET", wrong, code="token_invalid")
    assert bare.http.post(f"{sent['url']}link/?{signed}").status_code == 401, "it is for fetching alone"
    bob.post("/api/blocks/", {"userId": alice.id})
    bare.refused("GET", given["url"], code="not_found")
    bare.close()


async def test_nobody_sends_what_is_not_theirs_or_not_there(alice: Person, bob: Person, conversation: Any) -> None:
    talk = conversation["id"]
    mine, theirs = upload(bob), upload(alice)
    async with bob.connect() as b:

        async def refused(ids: Any, code: str = "not_found", **more: Any) -> None:
            asked = {"conversationId": talk, "content": "x", "attachmentIds": ids, **more}
            assert (await b.ask_refused("message:send", asked, code=code))["field"] == "attachmentIds"

        await refused([theirs["id"]])
        await refused([mine["id"], theirs["id"]])
        await refused(["00000000-0000-4000-8000-000000000000"])
        await refused(["nonsense"])
        await refused([mine["id"]] * 6, "invalid_field")
        await refused([mine["id"]], "invalid_field", type="TEXT")
        note = upload(bob, files.PDF, "list.pdf")
        await refused([mine["id"], note["id"]], "invalid_field", type="IMAGE")
        both = {"conversationId": talk, "content": "x", "attachmentIds": [note["id"], mine["id"]]}
        message = (await b.ask("message:send", both))["message"]
        assert (message["type"], [one["name"] for one in message["attachments"]]) == ("FILE", ["list.pdf", "photo.jpg"])


async def test_of_many_sends_of_one_file_one_wins(alice: Person, conversation: Any) -> None:
    path = f"/api/conversations/{conversation['id']}/messages/"
    asked = {"content": "x", "attachmentIds": [upload(alice)["id"]]}
    answers = await asyncio.gather(*(asyncio.to_thread(alice.http.post, path, json=asked) for _ in range(8)))
    assert sorted(answer.status_code for answer in answers) == [201, *[404] * 7]


def test_a_voice_note(alice: Person, bob: Person, conversation: Any) -> None:
    note = upload(bob, files.sound("webm", "libopus"), name="blob")
    assert (note["type"], note["name"], note["thumbnailUrl"]) == ("audio/mp4", "blob.m4a", None)
    assert note["duration"] == pytest.approx(2, abs=0.1)
    assert len(note["waveform"]) == 64
    path = f"/api/conversations/{conversation['id']}/messages/"
    assert bob.post(path, {"content": "", "attachmentIds": [note["id"]]}, status=201)["message"]["type"] == "FILE"
    assert content_of(alice, note["url"], status=206, Range="bytes=4-7") == b"ftyp"


BAD: dict[str, tuple[dict[str, Any], str, str | None]] = {
    "no file": ({"data": {"x": "y"}, "files": {"other": ("a.txt", b"x")}}, "invalid_field", "file"),
    "two files": ({"files": [("file", ("a.txt", b"x")), ("more", ("b.txt", b"y"))]}, "invalid_field", "file"),
    "two of one name": ({"files": [("file", ("a.txt", b"x")), ("file", ("b.txt", b"y"))]}, "invalid_field", "file"),
    "an empty file": ({"files": {"file": ("a.txt", b"")}}, "invalid_field", "file"),
    "SVG as PNG": ({"files": {"file": ("a.png", b"<svg/>", "image/png")}}, "file_type", "file"),
    "HTML as text": ({"files": {"file": ("a.txt", b"<!doctype html>x", "text/plain")}}, "file_type", "file"),
    "a bomb": ({"files": {"file": ("a.png", files.png_bomb())}}, "image_too_large", "file"),
    "JSON": ({"json": {"file": "x"}}, "file_type", None),
    "a form that ends too early": (
        {"content": b'--b\r\nContent-Disposition: form-data; name="file"; filename="a"\r\n\r\nhello',
         "headers": {"Content-Type": "multipart/form-data; boundary=b"}},
        "invalid_field", "file",
    ),
    "no boundary": ({"content": b"x", "headers": {"Content-Type": "multipart/form-data"}}, "bad_json", None),
    "10,000 fields": ({"files": [(f"f{n}", (None, b"x")) for n in range(10_000)]}, "invalid_field", "request"),
    "10,000 files": ({"files": [(f"f{n}", ("a", b"x")) for n in range(10_000)]}, "invalid_field", "request"),
    "more than may come": ({"files": {"file": ("a.txt", b"x" * 11_000_000)}}, "file_too_large", None),
}  # fmt: skip


@pytest.mark.parametrize("what", BAD)
def test_bad_uploads_are_named_and_leave_nothing(what: str, alice: Person) -> None:
    options, code, field = BAD[what]
    before = stored_at(alice.server)
    error = alice.refused("POST", UPLOADS, code=code, **options)
    assert field is None or error["field"] == field
    assert stored_at(alice.server) == before
    assert open_temporary_files(alice.server) == 0


def stored_at(server: ChatServer) -> set[Path]:
    return {path for path in Path(server.env["MEDIA_ROOT"]).rglob("*") if path.is_file()}


def open_temporary_files(server: ChatServer) -> int:
    """How many files without a name the server still holds open."""
    found = 0
    for link in Path(f"/proc/{server.pid}/fd").iterdir():
        try:
            found += "(deleted)" in str(link.readlink()) and "/tmp" in str(link.readlink())
        except OSError:
            continue
    return found


def test_what_a_file_is_called_is_only_shown(alice: Person) -> None:
    for given, shown in {
        "../../etc/passwd": "passwd.txt",
        "x" * 300 + ".html": "x" * 116 + ".txt",
        "...": "file.txt",
        "CON": "CON.txt",
        "invoice\u202efdp.exe": "invoicefdp.txt",
        "\u200b.txt": "file.txt",
        "смета.csv": "смета.txt",
    }.items():
        sent = upload(alice, b"hello", name=given)
        assert sent["name"] == shown, given
        assert sent["url"] == f"{UPLOADS}{sent['id']}/"


def test_each_person_has_so_much_room(new_person: Callable[..., Person]) -> None:
    with ChatServer(env={"CHAT_UPLOAD_QUOTA_MB": "1"}) as server:
        dan = new_person("dan", server)
        upload(dan, b"x" * 700_000)
        dan.refused("POST", UPLOADS, code="quota_exceeded", field="file", files={"file": ("a.txt", b"x" * 400_000)})
        upload(dan, b"x" * 300_000)


def test_uploads_are_counted(new_person: Callable[..., Person], servers: Sequence[ChatServer]) -> None:
    eve = new_person("eve", servers[0])
    for _ in range(30):
        eve.http.post(UPLOADS, files={"other": ("a", b"x")})
    eve.refused("POST", UPLOADS, code="rate_limited", files={"file": ("a.txt", b"x")})


def test_what_nobody_has_sent_is_purged(new_person: Callable[..., Person]) -> None:
    with ChatServer(env={"MEDIA_ROOT": ""}) as server:
        server.env["MEDIA_ROOT"] = server.environment()["MEDIA_ROOT"]
        dan, fay = new_person("dan", server), new_person("fay", server)
        talk = dan.talks_to(fay)["id"]
        path = f"/api/conversations/{talk}/messages/"
        unsent, sent, deleted = (upload(dan) for _ in range(3))
        for one in (sent, deleted):
            message = dan.post(path, {"content": "", "attachmentIds": [one["id"]]})["message"]
        dan.delete(f"/api/messages/{message['id']}/")
        assert "0 files purged" in server.manage("purge_attachments")
        assert "2 files purged" in server.manage("purge_attachments", "--hours=0")
        dan.refused("GET", unsent["url"], code="not_found")
        assert len(content_of(fay, sent["url"])) == sent["size"]
