"""Pictures, made anew by Pillow: upright, without EXIF (where and by what they were taken), and smaller ones of them.

Sizes are known from the header, so what is too large is refused before anything of it is unpacked.
"""

import base64
import io
import warnings
from typing import Any, BinaryIO, Final

import pillow_heif
from PIL import Image, ImageOps, ImageSequence

from localroots_chat.media.found import MAIN, SMALLER, Found, Refusal

FORMATS: Final = ("JPEG", "PNG", "WEBP", "GIF", "HEIF")
PIXELS_MOST: Final = 50_000_000
FRAMES_MOST: Final = 300
SIDE_KEPT: Final = 4096
_ALL_FRAMES_MOST: Final = 60_000_000  # pixels of all frames together
_PLACEHOLDER: Final = 24
_PROFILE_MOST: Final = 16_384  # bytes of a colour profile; those of cameras and screens have some hundreds
# The format in which each is kept; what moves is kept as WebP, whatever it was.
_KEPT: Final = {
    "JPEG": ("JPEG", "image/jpeg", "jpg", {"quality": 85, "progressive": True}),
    "MPO": ("JPEG", "image/jpeg", "jpg", {"quality": 85, "progressive": True}),  # with a second picture in it
    "HEIF": ("JPEG", "image/jpeg", "jpg", {"quality": 85, "progressive": True}),
    "PNG": ("PNG", "image/png", "png", {}),
    "GIF": ("PNG", "image/png", "png", {}),
    "WEBP": ("WEBP", "image/webp", "webp", {"quality": 85}),
}

pillow_heif.register_heif_opener()
Image.MAX_IMAGE_PIXELS = PIXELS_MOST
warnings.simplefilter("error", Image.DecompressionBombWarning)  # above that, not only above twice as many


def picture(file: BinaryIO) -> Found | None:
    """The picture in this file; None where it is none. Raises Refusal."""
    try:
        image = Image.open(file, formats=FORMATS)
    except (Image.DecompressionBombError, Image.DecompressionBombWarning):
        raise _too_large() from None
    except (OSError, ValueError, SyntaxError):
        return None
    frames = getattr(image, "n_frames", 1)
    moves = image.format in ("GIF", "WEBP", "PNG") and frames > 1
    if moves and (frames > FRAMES_MOST or frames * image.width * image.height > _ALL_FRAMES_MOST):
        raise _too_large()
    try:
        return _moving(image) if moves else _still(image)
    except (OSError, ValueError, SyntaxError, EOFError) as error:
        raise Refusal("file_type", "This picture cannot be read.") from error


def _too_large() -> Refusal:
    return Refusal(
        "image_too_large",
        f"A picture has at most {PIXELS_MOST // 1_000_000} million pixels, and {FRAMES_MOST} frames.",
    )


def _still(image: Image.Image) -> Found:
    format_, type_, extension, how = _KEPT[str(image.format)]
    colours = image.info.get("icc_profile")
    if colours and len(colours) > _PROFILE_MOST:
        colours = None
    upright = ImageOps.exif_transpose(image)
    upright.thumbnail((SIDE_KEPT, SIDE_KEPT))
    if format_ == "JPEG" and upright.mode not in ("RGB", "L"):
        upright = upright.convert("RGB")
        colours = None  # it was of another mode
    main = _encoded(upright, format_, icc_profile=colours, **how)
    return _found(upright, type_, extension, main, colours)


def _moving(image: Image.Image) -> Found:
    frames, durations = [], []
    for frame in ImageSequence.Iterator(image):
        durations.append(max(20, int(frame.info.get("duration", 100))))
        frames.append(frame.convert("RGBA"))
        frames[-1].thumbnail((SMALLER[-1], SMALLER[-1]))
    first, *others = frames
    main = _encoded(first, "WEBP", save_all=True, append_images=others, duration=durations, loop=0, quality=75)
    return _found(first, "image/webp", "webp", main, None)


def _found(image: Image.Image, type_: str, extension: str, main: bytes, colours: bytes | None) -> Found:
    parts = {MAIN: main}
    for side in SMALLER:
        if max(image.size) > side:
            parts[str(side)] = _encoded(_smaller(image, side), "WEBP", quality=80, icc_profile=colours)
    tiny = _encoded(_smaller(image, _PLACEHOLDER), "WEBP", quality=20)
    return Found(
        kind="IMAGE",
        type=type_,
        extension=extension,
        width=image.width,
        height=image.height,
        placeholder=f"data:image/webp;base64,{base64.b64encode(tiny).decode()}",
        parts=parts,
    )


def _smaller(image: Image.Image, side: int) -> Image.Image:
    small = image.convert("RGBA" if image.has_transparency_data else "RGB")
    small.thumbnail((side, side))
    return small


def _encoded(image: Image.Image, format_: str, **how: Any) -> bytes:
    out = io.BytesIO()
    image.info = {}  # comments, and what else it says of itself
    image.save(out, format_, exif=b"", **{name: value for name, value in how.items() if value is not None})
    return out.getvalue()
