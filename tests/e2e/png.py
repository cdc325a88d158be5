"""PNG files without a library: written by tests, and read back."""
import struct
import zlib


def encode(width, height, pixel, grey=False):
    """A PNG of red, green, blue, or of grey levels; pixel(y, x) gives the three bytes, or the one."""
    rows = b"".join(b"\0" + b"".join(bytes(pixel(y, x)) for x in range(width))
                    for y in range(height))

    def chunk(kind, data):
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, 8, 0 if grey else 2, 0, 0, 0)) \
        + chunk(b"IDAT", zlib.compress(rows)) + chunk(b"IEND", b"")


def decode(data):
    """Width, height and rows of red, green, blue bytes of an 8-bit PNG of ours."""
    assert data[:8] == b"\x89PNG\r\n\x1a\n"
    at, packed, size = 8, b"", None
    while at < len(data):
        length, kind = struct.unpack(">I4s", data[at:at + 8])
        body = data[at + 8:at + 8 + length]
        assert struct.unpack(">I", data[at + 8 + length:at + 12 + length])[0] == zlib.crc32(kind + body)
        if kind == b"IHDR":
            size = struct.unpack(">IIBBBBB", body)
            assert size[2:] == (8, 2, 0, 0, 0), size
        elif kind == b"IDAT":
            packed += body
        at += 12 + length
    return size[0], size[1], unfilter(zlib.decompress(packed), size[0] * 3)


def unfilter(raw, stride):
    rows, above, step = [], bytearray(stride), 3
    for at in range(0, len(raw), stride + 1):
        kind, row = raw[at], bytearray(raw[at + 1:at + 1 + stride])
        for k in range(stride if kind else 0):
            left = row[k - step] if k >= step else 0
            corner = above[k - step] if k >= step else 0
            guess = {1: left, 2: above[k], 3: (left + above[k]) // 2}.get(kind)
            if guess is None:  # the nearest of three
                base = left + above[k] - corner
                guess = min((left, above[k], corner), key=lambda v: abs(base - v))
            row[k] = (row[k] + guess) & 255
        rows.append(bytes(row))
        above = row
    return rows
