"""Sounds, above all voice notes, made anew by FFmpeg's libraries (PyAV): AAC, which every browser plays, without what
the file says besides, with how long it is and how loud.

The container is told by its first bytes: FFmpeg is never left to find out, since some of what it knows are lists of
other files.
"""

import io
from array import array
from typing import BinaryIO, Final

import av
from av.audio.resampler import AudioResampler
from av.stream import Disposition

from localroots_chat.media.found import MAIN, Found, Refusal

SECONDS_MOST: Final = 1200
_RATE: Final = 44_100
_RATES: Final = range(4_000, 192_001)  # of what is uploaded: others take for ever, or are none
_BITS: Final = 64_000  # a second: a voice sounds well
_BARS: Final = 64
_CHUNK: Final = 441  # samples that are one level: a hundredth of a second
# By the first bytes, and where they are
_CONTAINERS: Final = (
    (0, b"\x1a\x45\xdf\xa3", "matroska"),
    (0, b"OggS", "ogg"),
    (4, b"ftyp", "mov"),
    (0, b"ID3", "mp3"),
    (0, b"\xff\xfb", "mp3"),
    (0, b"\xff\xf3", "mp3"),
    (0, b"\xff\xf2", "mp3"),
    (0, b"\xff\xf1", "aac"),
    (0, b"\xff\xf9", "aac"),
    (8, b"WAVE", "wav"),
    (0, b"fLaC", "flac"),
)


def sound(file: BinaryIO) -> Found | None:
    """The sound in this file; None where it is none. Raises Refusal."""
    first = file.read(16)
    file.seek(0)
    format_ = next((name for at, mark, name in _CONTAINERS if first[at:].startswith(mark)), None)
    if format_ is None:
        return None
    try:
        with av.open(file, "r", format=format_, metadata_errors="ignore") as container:
            return _made_anew(container)
    except MemoryError:
        raise
    except (av.FFmpegError, ValueError) as error:
        raise Refusal("file_type", "This sound cannot be read.") from error


def _made_anew(container: "av.container.InputContainer") -> Found:
    moving = [one for one in container.streams.video if not one.disposition & Disposition.attached_pic]  # not a cover
    if not container.streams.audio or moving:
        raise Refusal("file_type", "Pictures, sounds, PDF and plain text are taken.")
    if container.streams.audio[0].rate not in _RATES:
        raise Refusal("file_type", "This sound cannot be read.")
    if (container.duration or 0) > SECONDS_MOST * av.time_base:
        raise _too_long()
    out, levels, samples = io.BytesIO(), array("h"), 0
    resampler = AudioResampler(format="s16", layout="mono", rate=_RATE)
    with av.open(out, "w", format="ipod") as made:
        stream = made.add_stream("aac", rate=_RATE, layout="mono", bit_rate=_BITS)
        for frame in container.decode(container.streams.audio[0]):
            for part in resampler.resample(frame):
                samples += part.samples
                levels.extend(_levels_of(bytes(part.planes[0])[: part.samples * 2]))
                if samples > SECONDS_MOST * _RATE:
                    raise _too_long()
                made.mux(stream.encode(part))
        made.mux(stream.encode(None))
    if not samples:
        raise Refusal("file_type", "There is nothing to be heard.")
    return Found(
        kind="AUDIO",
        type="audio/mp4",
        extension="m4a",
        duration=round(samples / _RATE, 2),
        waveform=_bars(levels),
        parts={MAIN: out.getvalue()},
    )


def _too_long() -> Refusal:
    return Refusal("file_too_large", f"A sound lasts at most {SECONDS_MOST // 60} minutes.")


def _levels_of(pcm: bytes) -> list[int]:
    samples = array("h", pcm)
    return [min(32767, max(max(part), -min(part))) for part in _pieces(samples, _CHUNK)]


def _pieces(values: "array[int]", size: int) -> list["array[int]"]:
    return [values[at : at + size] for at in range(0, len(values), size)]


def _bars(levels: "array[int]") -> list[int]:
    count = min(_BARS, len(levels))
    loudest = [max(levels[len(levels) * n // count : len(levels) * (n + 1) // count]) for n in range(count)]
    most = max(loudest) or 1
    return [round(100 * level / most) for level in loudest]
