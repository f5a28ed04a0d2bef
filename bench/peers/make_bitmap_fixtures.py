"""Makes the GIF, BMP, TIFF and PNM files of crates/ocelli-data/tests/images, odd PNG and WebP files,
and what Pillow decodes them to.

As in make_decode_fixtures.py, NAME_EXT.raw holds the pixels of NAME.EXT. Made with Pillow 13.0.0
(libtiff 4.7.1):

    python bench/peers/make_bitmap_fixtures.py crates/ocelli-data/tests/images
"""

import io
import struct
import sys
import zlib
from pathlib import Path

import numpy
from PIL import Image
from make_decode_fixtures import HEIGHT, WIDTH, alpha, decoded, picture, saved


def bmp(pixels, bits, palette=b"", compression=0, top_down=False, header=40, masks=b"", colours=0):
    """A BMP file: `pixels` are rows as they are stored, without what fills them up."""
    if compression in (1, 2):
        data = pixels
    else:
        stride = (WIDTH * bits + 31) // 32 * 4
        data = b"".join(row.ljust(stride, b"\xee") for row in pixels)
    height = -HEIGHT if top_down else HEIGHT
    if header == 12:
        info = struct.pack("<IHHHH", 12, WIDTH, HEIGHT, 1, bits)
    else:
        fields = (header, WIDTH, height, 1, bits, compression, len(data), 0, 0, colours, 0)
        info = struct.pack("<IiiHHIIiiII", *fields) + masks
        info = info.ljust(header, b"\0")
    offset = 14 + len(info) + len(palette)
    return struct.pack("<2sIHHI", b"BM", offset + len(data), 0, 0, offset) + info + palette + data


def packed(indices, bits):
    """Rows of numbers of `bits` bits, the left one in the high bits."""
    rows = []
    for row in indices:
        text = "".join(format(int(value), f"0{bits}b") for value in row)
        text += "0" * (-len(text) % 8)
        rows.append(int(text, 2).to_bytes(len(text) // 8, "big"))
    return rows


def run_length(indices, bits):
    """Runs, literals, and at the right end of two rows a move over pixels that are 0."""
    data = bytearray()
    for y, row in enumerate(indices[::-1]):
        row = list(map(int, row))
        if y == 0 or y == 5:
            row = row[:-4]
        x = 0
        while x < len(row):
            count = 1
            while x + count < len(row) and row[x + count] == row[x]:
                count += 1
            if count == 1 and len(row) - x >= 5:
                literal = row[x : x + 5]
                if bits == 4:
                    nibbles = literal + [0]
                    content = bytes(a << 4 | b for a, b in zip(nibbles[::2], nibbles[1::2]))
                else:
                    content = bytes(literal)
                data += bytes([0, 5]) + content + b"\0" * (len(content) % 2)
                x += 5
            else:
                value = row[x] * 17 if bits == 4 else row[x]
                data += bytes([count, value])
                x += count
        data += bytes([0, 0]) if y < HEIGHT - 1 else bytes([0, 1])
    return bytes(data)


def tiff(
    pixels,
    bits=8,
    photometric=2,
    order="<",
    rows=5,
    tile=None,
    planar=False,
    compression=1,
    predictor=1,
    extra=None,
    palette=None,
    orientation=None,
    big=False,
):
    """A TIFF file of `pixels`, [height, width, samples] of numbers below 2^bits."""
    height, width, samples = pixels.shape
    planes = [pixels[:, :, at : at + 1] for at in range(samples)] if planar else [pixels]
    chunks = []
    for plane in planes:
        if tile is None:
            parts = [plane[top : top + rows] for top in range(0, height, rows)]
        else:
            fill = [(0, -height % tile), (0, -width % tile), (0, 0)]
            whole = numpy.pad(plane, fill, mode="edge")
            parts = [
                whole[top : top + tile, left : left + tile]
                for top in range(0, whole.shape[0], tile)
                for left in range(0, whole.shape[1], tile)
            ]
        chunks += [pack_chunk(part, bits, order, compression, predictor) for part in parts]

    number, long = ("Q", 16) if big else ("I", 4)
    tags = {
        256: (long, [width]),
        257: (long, [height]),
        258: (3, [bits] * samples),
        259: (3, [compression]),
        262: (3, [photometric]),
        277: (3, [samples]),
        284: (3, [2 if planar else 1]),
        317: (3, [predictor]),
    }
    if tile is None:
        tags |= {273: (long, None), 278: (3, [rows]), 279: (long, [len(c) for c in chunks])}
    else:
        tags |= {322: (3, [tile]), 323: (3, [tile])}
        tags |= {324: (long, None), 325: (long, [len(c) for c in chunks])}
    if extra is not None:
        tags[338] = (3, extra)
    if palette is not None:
        tags[320] = (3, palette)
    if orientation is not None:
        tags[274] = (3, [orientation])

    version = (43, 8, 0, 16) if big else None
    mark = b"II" if order == "<" else b"MM"
    head = mark + (
        struct.pack(order + "HHHQ", *version) if big else struct.pack(order + "HI", 42, 8)
    )
    entry = 20 if big else 12
    after = len(head) + (8 if big else 2) + entry * len(tags) + (8 if big else 4)
    values, where = b"", {}
    for tag, (kind, numbers) in sorted(tags.items()):
        if numbers is None:
            numbers = [0] * len(chunks)
        letter = {3: "H", 4: "I", 16: "Q"}[kind]
        content = struct.pack(order + letter * len(numbers), *numbers)
        where[tag] = (kind, len(numbers), content, after + len(values))
        if len(content) > struct.calcsize(number):
            values += content + b"\0" * (len(content) % 2)
    start = after + len(values)
    offsets = [start + sum(map(len, chunks[:at])) for at in range(len(chunks))]
    offset_tag = 273 if tile is None else 324
    kind, count, content, place = where[offset_tag]
    letter = "Q" if big else "I"
    content = struct.pack(order + letter * count, *offsets)
    where[offset_tag] = (kind, count, content, place)
    at = place - after
    if len(content) > struct.calcsize(number):
        values = values[:at] + content + values[at + len(content) :]
    table = struct.pack(order + ("Q" if big else "H"), len(tags))
    for tag, (kind, count, content, place) in sorted(where.items()):
        size = struct.calcsize(number)
        value = content.ljust(size, b"\0")
        if len(content) > size:
            value = struct.pack(order + number, place)
        table += struct.pack(order + "HH" + number, tag, kind, count) + value
    table += struct.pack(order + number, 0)
    return head + table + values + b"".join(chunks)


def pack_chunk(part, bits, order, compression, predictor):
    height, width, samples = part.shape
    if predictor == 2:
        left = numpy.concatenate([numpy.zeros_like(part[:, :1]), part[:, :-1]], axis=1)
        part = (part.astype(numpy.int64) - left) % (1 << bits)
    if bits < 8:
        data = b"".join(packed(part.reshape(height, width * samples), bits))
    else:
        data = part.astype(order + ("u1" if bits == 8 else "u2")).tobytes()
    if compression in (8, 32946):
        return zlib.compress(data)
    if compression == 32773:
        return b"".join(pack_bits(row) for row in numpy.frombuffer(data, "u1").reshape(height, -1))
    if compression == 5:
        return lzw(data)
    return data


def pack_bits(row):
    data, x, row = b"", 0, row.tobytes()
    while x < len(row):
        count = 1
        while x + count < len(row) and row[x + count] == row[x] and count < 128:
            count += 1
        if count > 1:
            data += bytes([257 - count, row[x]])
        else:
            while x + count < len(row) and row[x + count] != row[x + count - 1] and count < 128:
                count += 1
            data += bytes([count - 1]) + row[x : x + count]
        x += count
    return data


def lzw(data):
    """TIFF's LZW, high bits first, with the codes that grow one early."""
    text, table, size, word = "", {bytes([v]): v for v in range(256)}, 9, b""
    codes = 258
    text += format(256, "09b")
    for byte in data:
        longer = word + bytes([byte])
        if longer in table:
            word = longer
            continue
        text += format(table[word], f"0{size}b")
        table[longer] = codes
        codes += 1
        if codes == 1 << size:
            size += 1
        if codes == 4095:
            text += format(256, f"0{size}b")
            table, codes, size = {bytes([v]): v for v in range(256)}, 258, 9
        word = bytes([byte])
    text += format(table[word], f"0{size}b")
    codes += 1
    if codes == 1 << size:
        size += 1
    text += format(257, f"0{size}b")
    text += "0" * (-len(text) % 8)
    return int(text, 2).to_bytes(len(text) // 8, "big")


def gif_frame_moved(gif: bytes, left: int, top: int, screen: tuple[int, int]) -> bytes:
    """The first frame elsewhere on a screen of another size."""
    at = 13 + (3 << ((gif[10] & 7) + 1) if gif[10] & 0x80 else 0)
    while gif[at : at + 1] == b"!":
        at += 2
        while gif[at]:
            at += 1 + gif[at]
        at += 1
    moved = bytearray(gif)
    moved[6:10] = struct.pack("<HH", *screen)
    moved[at + 1 : at + 5] = struct.pack("<HH", left, top)
    return bytes(moved)


def png_chunks(png: bytes):
    at = 8
    while at < len(png):
        length = int.from_bytes(png[at : at + 4], "big")
        yield png[at + 4 : at + 8], png[at + 8 : at + 8 + length], at
        at += 12 + length


def with_bad_frames(png: bytes, how: str) -> bytes:
    """An animation whose later frames are damaged, each chunk whole in itself."""
    out, data = png[:8], 0
    for kind, content, _ in png_chunks(png):
        checksum = zlib.crc32(kind + content)
        if kind == b"IDAT":
            data += 1
        if kind == b"fdAT" and how == "checksum":
            checksum ^= 1
        if kind == b"fdAT" and how == "data":
            content = content[:9]
            checksum = zlib.crc32(kind + content)
        if kind == b"fcTL" and data and how == "size":
            content = content[:4] + struct.pack(">II", 999, 999) + content[12:]
            checksum = zlib.crc32(kind + content)
        if kind == b"fdAT" and how == "missing":
            continue
        if kind == b"acTL" and how == "none":
            content = struct.pack(">II", 0, 0)
            checksum = zlib.crc32(kind + content)
        out += struct.pack(">I", len(content)) + kind + content + struct.pack(">I", checksum)
    return out


def with_webp_flags(webp: bytes, flags: int) -> bytes:
    """An extended file that promises what it does not have."""
    if webp[12:16] == b"VP8X":
        return webp[:20] + bytes([webp[20] | flags]) + webp[21:]
    size = struct.pack("<I", WIDTH - 1)[:3] + struct.pack("<I", HEIGHT - 1)[:3]
    body = b"WEBPVP8X" + struct.pack("<IB3x", 10, flags) + size + webp[12:]
    return b"RIFF" + struct.pack("<I", len(body)) + body


def fixtures() -> dict[str, bytes]:
    rgb = Image.fromarray(picture())
    pixels, grey = picture(), rgb.convert("L")
    palette = rgb.quantize(16)
    indices = numpy.asarray(palette)
    colours = bytes(palette.getpalette()[:48])
    quads = b"".join(colours[at : at + 3][::-1] + b"\0" for at in range(0, 48, 3))
    bgr = pixels[::-1, :, ::-1]
    rgba = numpy.dstack([pixels, alpha()])
    words = pixels.astype(numpy.uint16) * 256 + numpy.roll(pixels, 3, axis=0)
    later = [rgb.rotate(180)]
    five = (bgr[:, :, 2].astype(int) >> 3 << 11) | (bgr[:, :, 1].astype(int) >> 2 << 5)
    five = (five | bgr[:, :, 0] >> 3).astype("<u2")
    animated = saved(rgb, format="PNG", save_all=True, append_images=later)
    lossy = saved(rgb, format="WEBP", quality=90)
    lossless = saved(rgb, format="WEBP", lossless=True)
    map_16 = [int(v) * 257 for c in range(3) for v in colours[c::3]]
    small = rgb.crop((3, 2, 15, 11))
    small = numpy.pad(numpy.asarray(small.quantize(8)), [(0, 0), (0, 0)])
    small = Image.fromarray(small, mode="P")
    small.putpalette(rgb.quantize(8).getpalette())
    return {
        "palette.gif": saved(palette, format="GIF", interlace=0),
        "interlaced.gif": saved(palette, format="GIF", interlace=1),
        "grey.gif": saved(grey, format="GIF"),
        "transparent.gif": saved(palette, format="GIF", transparency=3),
        "animated.gif": saved(palette, format="GIF", save_all=True, append_images=later),
        "partial.gif": gif_frame_moved(saved(small, format="GIF"), 3, 2, (WIDTH, HEIGHT)),
        "over_the_edge.gif": gif_frame_moved(
            saved(small, format="GIF", transparency=2), WIDTH - 12, HEIGHT - 9, (7, 5)
        ),
        "black_white.bmp": saved(rgb.convert("1"), format="BMP"),
        "palette_4.bmp": bmp(packed(indices[::-1], 4), 4, quads),
        "palette_8.bmp": saved(palette, format="BMP"),
        "grey.bmp": saved(grey, format="BMP"),
        "rgb.bmp": saved(rgb, format="BMP"),
        "os2.bmp": bmp([row.tobytes() for row in bgr], 24, header=12),
        "rgb_555.bmp": bmp([(row >> 1).tobytes() for row in five], 16),
        "rgb_565.bmp": bmp(
            [row.tobytes() for row in five], 16, compression=3, masks=struct.pack("<III", 0xF800, 0x7E0, 0x1F)
        ),
        "top_down.bmp": bmp([row.tobytes() for row in rgba[:, :, [2, 1, 0, 3]]], 32, top_down=True),
        "rgba.bmp": saved(Image.fromarray(rgba), format="BMP"),
        "run_length_8.bmp": bmp(run_length(indices, 8), 8, quads, compression=1, colours=16),
        "run_length_4.bmp": bmp(run_length(indices, 4), 4, quads, compression=2),
        "rgb.tif": saved(rgb, format="TIFF"),
        "rgb_lzw.tif": saved(rgb, format="TIFF", compression="tiff_lzw"),
        "rgb_deflate.tif": saved(
            rgb, format="TIFF", compression="tiff_adobe_deflate", tiffinfo={317: 2, 278: 4}
        ),
        "rgb_packbits.tif": saved(rgb, format="TIFF", compression="packbits"),
        "rgb_16.tif": tiff(words, 16, order=">", compression=8, predictor=2),
        "rgb_tiles.tif": tiff(pixels, tile=16, compression=5, predictor=2),
        "rgb_planes.tif": tiff(pixels, planar=True, compression=32773),
        "rgb_big.tif": tiff(pixels, big=True),
        "rgba.tif": saved(Image.fromarray(rgba), format="TIFF"),
        "rgba_multiplied.tif": tiff(rgba, extra=[1]),
        "grey.tif": saved(grey, format="TIFF"),
        "grey_16.tif": tiff(words[:, :, :1], 16, photometric=1),
        "grey_4_inverted.tif": tiff(indices[:, :, None], 4, photometric=0, tile=16),
        "black_white.tif": saved(rgb.convert("1"), format="TIFF"),
        "palette_4.tif": tiff(indices[:, :, None], 4, photometric=3, palette=map_16),
        "palette_8.tif": saved(palette, format="TIFF"),
        "turned.tif": tiff(pixels.transpose(1, 0, 2)[:, ::-1].copy(), orientation=8),
        "plain.pbm": b"P1\n# a comment\n19 13\n"
        + b"\n".join((48 + (row < 128)).astype("u1").tobytes() for row in numpy.asarray(grey)),
        "raw.pbm": saved(rgb.convert("1"), format="PPM"),
        "plain.pgm": b"P2 19 13 255\n"
        + b" ".join(str(value).encode() for value in numpy.asarray(grey).ravel())
        + b"\n",
        "raw.pgm": saved(grey, format="PPM"),
        "plain.ppm": b"P3\n19 13\n255\n"
        + b"\n".join(str(value).encode() for value in pixels.ravel())
        + b"\n",
        "raw.ppm": saved(rgb, format="PPM"),
        "raw_16.ppm": b"P6\n19 13\n65535\n" + words.astype(">u2").tobytes(),
        "raw_100.ppm": b"P6\n19 13\n100\n" + (pixels.astype(int) * 100 // 255).astype("u1").tobytes(),
        "bad_frames.png": with_bad_frames(animated, "size"),
        "missing_frames.png": with_bad_frames(animated, "missing"),
        "bad_checksum_in_frames.png": with_bad_frames(animated, "checksum"),
        "cut_frames.png": with_bad_frames(animated, "data"),
        "no_frames.png": with_bad_frames(animated, "none"),
        "promises.webp": with_webp_flags(lossy, 0x3C),
        "promises_lossless.webp": with_webp_flags(lossless, 0x2C),
    }


def main() -> None:
    folder = Path(sys.argv[1])
    for name, content in fixtures().items():
        (folder / name).write_bytes(content)
        raw = name.replace(".", "_") + ".raw"
        (folder / raw).write_bytes(decoded(name, content))


if __name__ == "__main__":
    main()
