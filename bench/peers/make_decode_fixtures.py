"""Makes the image files of crates/ocelli-data/tests/images, and what Pillow decodes them to.

For each NAME.EXT there is NAME_EXT.raw: the pixels of Image.open(NAME.EXT).convert("RGB"), or of
convert("L") for a grey image. Made with Pillow 13.0.0 (libjpeg-turbo 3.2.0, libwebp 1.6.0):

    python bench/peers/make_decode_fixtures.py crates/ocelli-data/tests/images
"""

import io
import struct
import sys
import zlib
from pathlib import Path

import numpy
from PIL import Image

WIDTH, HEIGHT = 19, 13


def picture() -> numpy.ndarray:
    """Smooth colours with one hard edge, of a size that no block size divides."""
    y, x = numpy.mgrid[:HEIGHT, :WIDTH]
    channels = [255 * x / (WIDTH - 1), 255 * y / (HEIGHT - 1), 255 - 12 * numpy.abs(x - y)]
    pixels = numpy.clip(numpy.stack(channels, axis=-1), 0, 255).astype(numpy.uint8)
    pixels[4:9, 6:12] = [230, 40, 10]
    return pixels


def alpha() -> numpy.ndarray:
    y, x = numpy.mgrid[:HEIGHT, :WIDTH]
    return ((x * 37 + y * 11) % 256).astype(numpy.uint8)


def saved(image: Image.Image, **options) -> bytes:
    buffer = io.BytesIO()
    image.save(buffer, **options)
    return buffer.getvalue()


def png_chunk(kind: bytes, content: bytes) -> bytes:
    checksum = zlib.crc32(kind + content)
    return struct.pack(">I", len(content)) + kind + content + struct.pack(">I", checksum)


def rgb_png_16_bit(pixels: numpy.ndarray) -> bytes:
    """A 16-bit RGB PNG, which Pillow reads but cannot write. The low bytes are noise."""
    low = numpy.random.default_rng(0).integers(0, 256, pixels.shape)
    samples = (pixels.astype(numpy.uint16) << 8 | low.astype(numpy.uint16)).astype(">u2")
    rows = b"".join(b"\0" + row.tobytes() for row in samples)
    header = struct.pack(">IIBBBBB", WIDTH, HEIGHT, 16, 2, 0, 0, 0)
    chunks = [(b"IHDR", header), (b"IDAT", zlib.compress(rows, 9)), (b"IEND", b"")]
    return b"\x89PNG\r\n\x1a\n" + b"".join(png_chunk(*chunk) for chunk in chunks)


def segment(jpeg: bytes, marker: int) -> tuple[int, int]:
    """Where the first segment with this marker starts and ends."""
    at = 2
    while jpeg[at + 1] != marker:
        at += 2 + int.from_bytes(jpeg[at + 2 : at + 4], "big")
    return at, at + 2 + int.from_bytes(jpeg[at + 2 : at + 4], "big")


def with_adobe_transform(jpeg: bytes, transform: int) -> bytes:
    _, end = segment(jpeg, 0xEE)
    return jpeg[: end - 1] + bytes([transform]) + jpeg[end:]


def without_segment(jpeg: bytes, marker: int) -> bytes:
    start, end = segment(jpeg, marker)
    return jpeg[:start] + jpeg[end:]


def with_component_ids(jpeg: bytes, ids: bytes) -> bytes:
    """Renames the components, in the frame header and in the scan header."""
    changed = bytearray(jpeg)
    frame, _ = segment(jpeg, 0xC0)
    scan, _ = segment(jpeg, 0xDA)
    for number, name in enumerate(ids):
        changed[frame + 10 + 3 * number] = name
        changed[scan + 5 + 2 * number] = name
    return bytes(changed)


def fixtures() -> dict[str, bytes]:
    rgb = Image.fromarray(picture())
    grey = rgb.convert("L")
    cmyk = Image.merge("CMYK", [*rgb.split(), Image.fromarray(alpha() // 2)])
    rgba = Image.merge("RGBA", [*rgb.split(), Image.fromarray(alpha())])
    palette = rgb.quantize(16)
    with_alpha = Image.merge("LA", [grey, Image.fromarray(alpha())])
    grey_16 = Image.fromarray(numpy.asarray(grey).astype(numpy.uint16) * 256 + 129)
    later = [rgb.rotate(180)]
    jpeg = {"format": "JPEG", "quality": 90}
    cmyk_jpeg = saved(cmyk, **jpeg)
    rgb_jpeg = saved(rgb, keep_rgb=True, **jpeg)
    exif = Image.Exif()
    exif[0x0112] = 6
    return {
        "baseline_444.jpg": saved(rgb, subsampling=0, **jpeg),
        "baseline_420.jpg": saved(rgb, subsampling=2, **jpeg),
        "progressive_420.jpg": saved(rgb, subsampling=2, progressive=True, **jpeg),
        "restart_422.jpg": saved(rgb, subsampling=1, restart_marker_blocks=1, **jpeg),
        "grey.jpg": saved(grey, **jpeg),
        "cmyk_adobe.jpg": cmyk_jpeg,
        "cmyk_plain.jpg": without_segment(cmyk_jpeg, 0xEE),
        "ycck.jpg": with_adobe_transform(cmyk_jpeg, 2),
        "rgb_by_ids.jpg": rgb_jpeg,
        "rgb_by_adobe.jpg": with_component_ids(rgb_jpeg, bytes([1, 2, 3])),
        "turned.jpg": saved(rgb, subsampling=0, exif=exif, **jpeg),
        "rgb.png": saved(rgb, format="PNG"),
        "rgb_16.png": rgb_png_16_bit(picture()),
        "rgba.png": saved(rgba, format="PNG"),
        "grey.png": saved(grey, format="PNG"),
        "grey_16.png": saved(grey_16, format="PNG"),
        "grey_alpha.png": saved(with_alpha, format="PNG"),
        "black_white.png": saved(rgb.convert("1"), format="PNG"),
        "palette_4.png": saved(palette, format="PNG", bits=4),
        "palette_transparent.png": saved(palette, format="PNG", transparency=3),
        "animated.png": saved(rgb, format="PNG", save_all=True, append_images=later),
        "turned.png": saved(rgb, format="PNG", exif=exif),
        "lossy.webp": saved(rgb, format="WEBP", quality=90),
        "lossless.webp": saved(rgb, format="WEBP", lossless=True),
        "alpha.webp": saved(rgba, format="WEBP", lossless=True, exact=True),
        "lossy_alpha.webp": saved(rgba, format="WEBP", quality=90),
        "animated.webp": saved(
            rgb, format="WEBP", lossless=True, save_all=True, append_images=later
        ),
        "turned.webp": saved(rgb, format="WEBP", lossless=True, exif=exif),
    }


def decoded(name: str, content: bytes) -> bytes:
    image = Image.open(io.BytesIO(content))
    if image.mode == "I;16":
        # Pillow clips 16-bit grey to 255; the high byte is what was meant.
        return (numpy.asarray(image) >> 8).astype(numpy.uint8).tobytes()
    is_grey = image.mode in ("1", "L", "LA")
    return image.convert("L" if is_grey else "RGB").tobytes()


def main() -> None:
    folder = Path(sys.argv[1])
    for name, content in fixtures().items():
        (folder / name).write_bytes(content)
        raw = name.replace(".", "_") + ".raw"
        (folder / raw).write_bytes(decoded(name, content))


if __name__ == "__main__":
    main()
