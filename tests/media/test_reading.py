"""What a file is, by its content, in a worker with bounds; and what is made of it."""

import io
import sys
import tempfile
from typing import Any

import pytest
from PIL import Image

from localroots_chat.errors import ChatError
from localroots_chat.media import reading
from localroots_chat.media.found import MAIN, Found
from localroots_chat.media.reading import read_upload
from tests.support import files


def read(content: bytes) -> Found:
    with tempfile.TemporaryFile() as file:
        file.write(content)
        return read_upload(file)


def code(content: bytes) -> str:
    with pytest.raises(ChatError) as error:
        read(content)
    assert error.value.field == "file"
    return error.value.code


def picture(found: Found, part: str = MAIN) -> Image.Image:
    return Image.open(io.BytesIO(found.parts[part]))


# Pictures


@pytest.mark.parametrize(
    ("content", "type_", "format_"),
    [
        (files.jpeg(64, 48), "image/jpeg", "JPEG"),
        (files.png(), "image/png", "PNG"),
        (files.webp(), "image/webp", "WEBP"),
        (files.heic(), "image/jpeg", "JPEG"),
        (files.gif(1), "image/png", "PNG"),
    ],
)
def test_pictures_are_told_by_their_content(content: bytes, type_: str, format_: str) -> None:
    found = read(content)
    assert (found.kind, found.type, picture(found).format) == ("IMAGE", type_, format_)
    assert (found.width, found.height) == picture(found).size
    assert set(found.parts) == {MAIN}, "it is small enough"


def test_a_photo_is_upright_and_says_nothing_of_where_it_was_taken() -> None:
    original = files.jpeg(800, 600, gps=True, turned=True)
    assert b"Secret Camera" in original
    found = read(original)
    assert (found.width, found.height) == (600, 800)
    for part, content in found.parts.items():
        assert not picture(found, part).getexif(), part
        assert b"Secret Camera" not in content
        assert b"Exif" not in content
    # What was the top is at the right after turning: the gradient runs from right to left.
    upright = picture(found).convert("L")
    corners = [upright.getpixel((x, 400)) for x in (50, 550)]
    assert corners[0] != corners[1]


def test_what_a_picture_says_besides_is_not_kept() -> None:
    profile = b"\0" * 128 + b"a profile of three megabytes" * 100_000
    for original in (
        files.jpeg(600, 400, comment=b"SECRET COMMENT", icc_profile=b"\0" * 128 + b"small"),
        files.jpeg(600, 400, comment=b"SECRET COMMENT", icc_profile=profile),
    ):
        found = read(original)
        assert b"SECRET" not in found.parts[MAIN]
        assert sum(map(len, found.parts.values())) < 100_000
    assert picture(read(files.jpeg(600, 400, icc_profile=b"\0" * 128 + b"small"))).info["icc_profile"]


def test_a_photo_with_a_second_picture_in_it_is_the_first() -> None:
    found = read(files.mpo())
    assert (found.type, picture(found).format, found.width) == ("image/jpeg", "JPEG", 64)


def test_what_takes_for_ever_is_refused_at_once() -> None:
    assert code(files.wav(1, rate=1)) == "file_type"
    assert code(files.wav(1300, rate=4000)) == "file_too_large"


def test_a_real_file_meets_the_real_bounds(monkeypatch: pytest.MonkeyPatch) -> None:
    """More than the worker may take, of time and of memory."""
    hungry = "import localroots_chat.media.__main__ as worker; worker.{} = {}; worker.main()"
    for bound, value in (("SECONDS", 1), ("MEMORY", 400 * 1024**2)):
        monkeypatch.setattr(reading, "_COMMAND", [sys.executable, "-sE", "-c", hungry.format(bound, value)])
        assert code(files.jpeg(7000, 7000)) == "image_too_large", bound


def test_smaller_ones_and_a_tiny_one_are_made() -> None:
    found = read(files.jpeg(2000, 1000))
    assert {part: picture(found, part).size for part in found.parts} == {
        MAIN: (2000, 1000),
        "320": (320, 160),
        "1280": (1280, 640),
    }
    assert found.placeholder is not None
    assert found.placeholder.startswith("data:image/webp;base64,")
    assert len(found.placeholder) < 600
    assert set(read(files.png(400, 300)).parts) == {MAIN, "320"}


def test_what_is_very_large_is_kept_smaller() -> None:
    assert max(picture(read(files.jpeg(6000, 100))).size) == 4096


def test_what_moves_goes_on_moving() -> None:
    found = read(files.gif(5))
    moving: Any = picture(found)
    assert (found.type, moving.format, moving.n_frames) == ("image/webp", "WEBP", 5)


def test_bombs_are_refused_before_they_are_unpacked() -> None:
    for bomb in (files.png_bomb(), files.png_bomb(7_200, 7_200), files.gif(10_000, side=2), files.gif(301)):
        assert code(bomb) == "image_too_large"


BROKEN = {
    "half a picture": files.jpeg()[:2000],
    "a picture without its end": files.png(640, 480)[:1000],
    "its beginning alone": b"\x89PNG\r\n\x1a\n",
    "a GIF that is a script": b"GIF89a=1;alert(1)//" + b"\0" * 30,
    "SVG": b'<svg xmlns="http://www.w3.org/2000/svg" onload="alert(1)"/>',
    "SVG behind a comment": b"\n\n<!-- hello --><svg/>",
    "HTML": b"<!DOCTYPE html><script>alert(1)</script>",
    "HTML in a text": b"hello\n" * 100 + b"<script>alert(1)</script>",
    "XML": b'<?xml version="1.0"?><a/>',
    "a PDF that is HTML too": b"%PDF-1.4\n<html><script>alert(1)</script>",
    "a PDF behind something": b"hello\x00 %PDF-1.4",
    "TIFF": b"II*\x00" + b"\0" * 100,
    "PostScript": b"%!PS-Adobe-3.0\n\x04",
    "an archive": b"PK\x03\x04" + bytes(range(256)),
    "a program": b"\x7fELF" + bytes(range(256)),
    "bytes": bytes(range(256)) * 10,
    "a playlist of other files": b"#EXTM3U\n#EXTINF:1,\nfile:///etc/passwd\n\x00",
    "a sound that is none": b"OggS" + b"\0" * 100,
    "nothing to be heard": files.wav(0),
}


@pytest.mark.parametrize("what", BROKEN)
def test_what_cannot_be_read_or_should_not_be_is_refused(what: str) -> None:
    assert code(BROKEN[what]) == "file_type"


# Sounds


@pytest.mark.parametrize(
    ("container", "codec"),
    [("webm", "libopus"), ("ogg", "libopus"), ("ipod", "aac"), ("mp3", "libmp3lame"), ("flac", "flac")],
)
def test_sounds_are_made_anew(container: str, codec: str) -> None:
    original = files.sound(container, codec, title="Secret title", location="+52.5200+013.4050/")
    found = read(original)
    assert (found.kind, found.type, found.extension) == ("AUDIO", "audio/mp4", "m4a")
    assert found.duration == pytest.approx(2, abs=0.1)
    assert b"Secret" not in found.parts[MAIN]
    assert b"52.52" not in found.parts[MAIN]
    assert read(found.parts[MAIN]).duration == pytest.approx(2, abs=0.1), "it can be played"


def test_how_loud_a_sound_is() -> None:
    waveform = read(files.wav(2)).waveform
    assert waveform is not None
    assert len(waveform) == 64
    assert max(waveform) == 100
    assert waveform == sorted(waveform), "it grows louder"


# Documents


def test_pdf_and_plain_text_are_kept_as_they_are() -> None:
    assert read(files.PDF) == Found("FILE", "application/pdf", "pdf")
    assert read(files.PDF + b"x" * 2000 + b"<?xml version='1.0'?>") == Found("FILE", "application/pdf", "pdf")
    for text in (b"Prices: 3 \xe2\x82\xac < 4\n", b"\xef\xbb\xbfa;b\r\n1;2\r\n", b"K\xe4se;3 \x80\r\n<body weight>"):
        assert read(text) == Found("FILE", "text/plain", "txt")


# The worker


def test_a_worker_that_takes_too_long_or_too_much_is_ended(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(reading, "SECONDS", 0.2)
    monkeypatch.setattr(reading, "_COMMAND", [sys.executable, "-c", "import time; time.sleep(60)"])
    assert code(b"x") == "image_too_large"
    monkeypatch.setattr(reading, "SECONDS", 30)
    for does, expected in {
        "import os, signal; os.kill(os.getpid(), signal.SIGXCPU)": "image_too_large",
        "import os; os.abort()": "file_type",
        "raise SystemExit(3)": "file_type",
        "print('{}')": "file_type",
        "print('nonsense')": "file_type",
    }.items():
        monkeypatch.setattr(reading, "_COMMAND", [sys.executable, "-c", does])
        assert code(b"x") == expected, does


def test_the_worker_has_its_bounds_and_none_of_our_secrets(monkeypatch: pytest.MonkeyPatch) -> None:
    asks = """
import resource, os, json
from unittest import mock
with mock.patch("sys.stdin"), mock.patch("localroots_chat.media.documents.document", return_value=None), \
        mock.patch("localroots_chat.media.pictures.picture", return_value=None), \
        mock.patch("localroots_chat.media.sounds.sound", return_value=None), mock.patch("sys.stdout"):
    from localroots_chat.media.__main__ import main
    main()
limits = [resource.getrlimit(one)[0] for one in (resource.RLIMIT_AS, resource.RLIMIT_CPU, resource.RLIMIT_FSIZE)]
said = {"kind": "FILE", "type": json.dumps([limits, sorted(os.environ)]), "extension": "", "parts": {}}
print(json.dumps(said))
"""
    monkeypatch.setenv("SECRET_KEY", "for nobody else")
    monkeypatch.setattr(
        reading, "_COMMAND", [sys.executable, "-sE", "-c", f"import sys; sys.path.insert(0, '.')\n{asks}"]
    )
    from json import loads

    limits, environment = loads(read(b"x").type)
    assert limits == [2 * 1024**3, 15, 256 * 1024**2]
    assert "SECRET_KEY" not in environment
