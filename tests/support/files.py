"""Files to upload: pictures, sounds, documents, and what only looks like one."""

import io
import math
import struct
import wave
import zlib
from typing import Any

from PIL import Image


def jpeg(width: int = 640, height: int = 480, *, gps: bool = False, turned: bool = False, **how: Any) -> bytes:
    """A photo; with where it was taken, and lying on its side with a note to turn it."""
    exif = Image.Exif()
    if gps:
        exif[0x010F] = "Secret Camera"
        exif.get_ifd(0x8825).update({1: "N", 2: (52.0, 31.0, 12.0), 3: "E", 4: (13.0, 24.0, 36.0)})
    if turned:
        exif[0x0112] = 6
    return _saved(_picture(width, height), "JPEG", exif=exif, **how)


def mpo() -> bytes:
    """A photo with a second one in it, as some telephones write them."""
    return _saved(_picture(64, 48), "MPO", save_all=True, append_images=[_picture(32, 24)])


def png(width: int = 64, height: int = 48) -> bytes:
    return _saved(_picture(width, height), "PNG")


def webp() -> bytes:
    return _saved(_picture(64, 48), "WEBP")


def heic() -> bytes:
    import pillow_heif

    pillow_heif.register_heif_opener()
    return _saved(_picture(64, 48), "HEIF")


def gif(frames: int, side: int = 8) -> bytes:
    pictures = [Image.new("L", (side, side), number * 47 % 250) for number in range(frames)]
    return _saved(pictures[0], "GIF", save_all=True, append_images=pictures[1:], duration=50)


def png_bomb(width: int = 50_000, height: int = 50_000) -> bytes:
    """Some kilobytes that say to be a picture of 2,500 million pixels."""

    def chunk(name: bytes, content: bytes) -> bytes:
        body = name + content
        return struct.pack(">I", len(content)) + body + struct.pack(">I", zlib.crc32(body))

    header = struct.pack(">IIBBBBB", width, height, 1, 0, 0, 0, 0)
    rows = zlib.compress(b"\0" * (width // 8 + 1) * 100)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", rows) + chunk(b"IEND", b"")


def wav(seconds: float = 1.0, rate: int = 8000) -> bytes:
    """A tone that grows louder."""
    count = int(seconds * rate)
    out = io.BytesIO()
    with wave.open(out, "wb") as made:
        made.setnchannels(1)
        made.setsampwidth(2)
        made.setframerate(rate)
        samples = (int(30_000 * n / count * math.sin(n / 4)) for n in range(count))
        made.writeframes(b"".join(struct.pack("<h", sample) for sample in samples))
    return out.getvalue()


def sound(container: str, codec: str, **metadata: str) -> bytes:
    """Two seconds, as a browser's recorder writes them, with what the file says besides."""
    import av

    out = io.BytesIO()
    with av.open(out, "w", format=container) as made:
        made.metadata.update(metadata)
        stream: Any = made.add_stream(codec, rate=48_000, layout="mono")
        for number in range(100):
            frame = av.AudioFrame(format="s16", layout="mono", samples=960)
            frame.planes[0].update(struct.pack("<960h", *(int(9000 * math.sin(n / 10)) for n in range(960))))
            frame.sample_rate, frame.pts = 48_000, number * 960
            made.mux(stream.encode(frame))
        made.mux(stream.encode(None))
    return out.getvalue()


PDF = b"%PDF-1.4\n1 0 obj\n<< /Type /Catalog >>\nendobj\ntrailer << /Root 1 0 R >>\n%%EOF\n"


def _picture(width: int, height: int) -> Image.Image:
    shade = Image.linear_gradient("L").resize((width, height))
    return Image.merge("RGB", (shade, shade.transpose(Image.Transpose.FLIP_TOP_BOTTOM), shade))


def _saved(picture: Image.Image, format_: str, **how: Any) -> bytes:
    out = io.BytesIO()
    picture.save(out, format_, **how)
    return out.getvalue()
