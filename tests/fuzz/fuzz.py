#!/usr/bin/env python3
"""Run a fuzz target for some seconds: fuzz.py PROGRAM SECONDS

Beside the program, NAME.inputs holds what was found to be worth trying, and is begun with the small files that this
script makes; NAME.found- is the beginning of the name of an input that breaks it. To try one again: PROGRAM FILE.
"""
import gzip
import io
import json
import pathlib
import struct
import subprocess
import sys
import tarfile
import zipfile
import zlib


def chunk(kind, data):
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))


def png(width, height, color, depth, channels):
    rows = b"".join(b"\0" + bytes((7 * x + y) % 256 for x in range((width * channels * depth + 7) // 8)) for y in range(height))
    palette = chunk(b"PLTE", bytes(range(48))) if color == 3 else b""
    head = struct.pack(">IIBBBBB", width, height, depth, color, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", head) + palette + chunk(b"IDAT", zlib.compress(rows)) + chunk(b"IEND", b"")


def jpeg():
    """A grey image of 8 x 8 pixels in JPEG's baseline form, with an orientation."""
    def segment(marker, data):
        return bytes([0xFF, marker]) + struct.pack(">H", len(data) + 2) + data
    exif = b"Exif\0\0MM\0*" + struct.pack(">IHHHIHHI", 8, 1, 0x112, 3, 1, 6, 0, 0)
    dc = bytes([0, 1, 5, 1, 1, 1, 1, 1, 1, 0, 0, 0, 0, 0, 0, 0]) + bytes(range(12))
    ac = bytes([1] + 15 * [0]) + b"\0"
    return (b"\xff\xd8" + segment(0xE1, exif) + segment(0xDB, b"\0" + 64 * b"\x10") +
            segment(0xC0, struct.pack(">BHHBBBB", 8, 8, 8, 1, 1, 0x11, 0)) +
            segment(0xC4, b"\0" + dc) + segment(0xC4, b"\x10" + ac) +
            segment(0xDA, b"\1\1\0\0\x3f\0") + b"\x00\x7f" + b"\xff\xd9")


def safetensors(header, data):
    text = json.dumps(header).encode()
    return struct.pack("<Q", len(text)) + text + data


def npy(version, header, data):
    text = header.encode() + b"\n"
    size = struct.pack("<H" if version == 1 else "<I", len(text))
    return b"\x93NUMPY" + bytes([version, 0]) + size + text + data


def idx(*dims):
    count = 1
    for d in dims:
        count *= d
    return struct.pack(">I", 0x800 | len(dims)) + b"".join(struct.pack(">I", d) for d in dims) + bytes(k % 10 for k in range(count))


def parts(images, labels, head=b""):
    """Two files in one input, as fuzz_idx_set.c and fuzz_dominoes.c divide it."""
    return head + struct.pack(">H", len(images)) + images + labels


def features(flags, rows, labels, names=b""):
    """Three files in one input, as fuzz_features.c divides it."""
    return bytes([flags]) + struct.pack(">HH", len(rows), len(labels)) + rows + labels + names


def letters(n):
    return struct.pack(">II", 0x801, n) + bytes(1 + k % 2 for k in range(n))


def frame(kind, body):
    return b"MXSW" + struct.pack("<HHQ", 1, kind, len(body)) + body


def tar(*members, mode="w", form=tarfile.USTAR_FORMAT):
    """A tar archive; a member is a name and its bytes, or a name and what it is a link to, or is."""
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode=mode, format=form) as archive:
        for name, what in members:
            member = tarfile.TarInfo(name)
            if isinstance(what, bytes):
                member.size = len(what)
            else:
                member.type, member.linkname = what
            archive.addfile(member, io.BytesIO(what) if isinstance(what, bytes) else None)
    return out.getvalue()


def zipped(*members, method=zipfile.ZIP_DEFLATED):
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", method) as archive:
        for name, what in members:
            archive.writestr(name, what)
    return out.getvalue()


def image_store(what, files, channels):
    """Decoded images of 2 x 2 pixels; the header's names and checksums are the target's to put right."""
    front = bytes(32) + struct.pack("<6I", files, files, files, channels, 2, 2) + bytes(24) + files * b"\2"
    rows = files * struct.pack(f"<{1 + 2 * channels}Q", 0, 2, 2, *range(2 * channels - 2))
    front = front.ljust((len(front) + 7) // 8 * 8, b"\0") + rows
    return bytes([1 | what | (files - 1) << 4]) + front.ljust(4096, b"\0") + bytes(4 * channels * files)


def sparse():
    """A file of three bytes and a hole of a terabyte, in GNU's old form."""
    head = bytearray(tar(("a", b"abc"), form=tarfile.GNU_FORMAT)[:1024])
    head[156:157] = b"S"
    head[386:386 + 48] = b"%011o\0%011o\0" % (0, 3) + b"\x80" + (1 << 40).to_bytes(11, "big") + b"%011o\0" % 0
    head[483:495] = b"\x80" + (1 << 40).to_bytes(11, "big")
    head[148:156] = 8 * b" "
    head[148:156] = b"%06o\0 " % sum(head[:512])
    return bytes(head) + bytes(1024)


ARCHIVES = [
    tar(("set/a", b"one"), ("set/part/b", b"two"), ("c", b"")), tar(("set/a", 700 * b"x"), mode="w:gz"),
    tar(("set/" + 30 * "long-name/", b"x"), form=tarfile.PAX_FORMAT), tar(("set/" + 120 * "n", b"x"), form=tarfile.GNU_FORMAT),
    zipped(("set/a", b"one"), ("set/part/b", 900 * b"two")), zipped(("set/a", b"one"), method=zipfile.ZIP_STORED),
    zipped(("set/bomb", bytes(1 << 22))), tar(("set/bomb", bytes(1 << 22)), mode="w:gz"), sparse(),
    tar(("../out", b"x")), tar(("/tmp/out", b"x")), tar(("set/../../out", b"x")), tar(("./set//a", b"x")), zipped(("../out", b"x")),
    tar(("set/in", (tarfile.SYMTYPE, "..")), ("set/in/out", b"x")), tar(("set/hard", (tarfile.LNKTYPE, "/etc/passwd"))),
    tar(("set/pipe", (tarfile.FIFOTYPE, "")), ("set/device", (tarfile.CHRTYPE, ""))), tar(("set/a", b"x"), ("set/a", b"y")),
    tar(("set/a", b"x"), ("set/a/b", b"y")), tar(("set/", b"x")), tar(("set/a", 600 * b"x"))[:700],
    zipped(("set/a", bytes(range(256))))[:60],
]

CONFIG = """name: fuzz
seed: 7
data: {set: synthetic, size: 16, synthetic: {n: 64, classes: 3}}
model: {arch: resnet8}
train: {epochs: 2, lr: 0.1, schedule: multi_step, milestones: [1]}
grid:
  mix.strategy: [none, mixup, cutmix]
  mix.alpha: {log: [0.1, 1.6], count: 5}
  train.weight_decay: {linear: [0, 1e-3], step: 5e-4}
  zip: {train.lr: [0.1, 0.2], train.momentum: [.9, .5]}
exclude: [{mix.strategy: mixup, mix.alpha: {below: 0.2}}]
smoke: {train.epochs: 1}
"""

TWO = {"__metadata__": {"format": "pt"}, "a": {"dtype": "F32", "shape": [2, 1], "data_offsets": [0, 8]},
       "b.c": {"dtype": "BF16", "shape": [3], "data_offsets": [8, 14]}}
STATUS = {"name": "fuzz", "state": "running", "incarnation": 1, "updated": "2026-01-02T03:04:05.678Z", "planned": 3, "done": 1, "failed": 1,
          "quarantined": 0, "stopped": 0, "running": 1, "pending": 0, "rate_per_hour": 60.5, "eta_s": 12, "eta_basis": "trials",
          "gpu_hours": None, "energy_j": 1.5, "exit_code": None,
          "nodes": [{"host": "h", "rank": 0, "executors": 1, "running": 1, "done": 1, "failed": 0, "rate_per_hour": 60, "busy_seconds": 1,
                     "quarantined": False, "lost": False,
                     "gpus": [{"uuid": "GPU-1", "model": "m", "executors": 1, "memory_bytes": 8, "memory_used_bytes": 4, "load": .5}]}],
          "slowest": [{"trial": "t.r0", "stage": "train", "host": "h", "executor": 0, "seconds": 2, "progress": None}],
          "failing": [{"trial": "t.r1", "attempts": 2, "reason": "crashed", "text": "x"}],
          "reduction": {"path": "mpi", "ranks": 2, "bytes": 16, "seconds": 0.1, "matches": True}}
OWNER = {"host": "h", "boot": "b", "pid_namespace": "n", "pid": 1, "start": "1", "incarnation": 1, "token": "t",
         "updated": "2026-01-02T03:04:05.678Z", "released": False}
SEEDS = {
    "safetensors": [safetensors({}, b""), safetensors(TWO, bytes(14))],
    "npy": [npy(1, "{'descr': '<f4', 'fortran_order': False, 'shape': (2, 3), }", bytes(24)),
            npy(2, "{'descr': '>u2', 'fortran_order': True, 'shape': (3, 2), }", bytes(12)),
            npy(3, "{'shape': (), 'descr': '|b1', 'fortran_order': False}", b"\1")],
    "idx": [b"\1" + idx(5), b"\0" + idx(2, 3, 4), b"\0" + gzip.compress(idx(2, 3, 4), mtime=0)],
    "idx_set": [parts(idx(2, 28, 28), idx(2), b"\0"), parts(idx(4, 28, 28), letters(4), b"\2"),
                parts(gzip.compress(idx(2, 28, 28), mtime=0), gzip.compress(idx(2), mtime=0), b"\1")],
    "dominoes": [parts(npy(1, "{'descr': '|u1', 'fortran_order': False, 'shape': (4, 8, 4), }", bytes(range(128))),
                       npy(1, "{'descr': '<i8', 'fortran_order': False, 'shape': (4,), }", struct.pack("<4q", 0, 1, 0, 1)))],
    "features": [features(0, npy(1, "{'descr': '<f4', 'fortran_order': False, 'shape': (2, 3), }", struct.pack("<6f", *range(6))),
                          npy(1, "{'descr': '<u4', 'fortran_order': False, 'shape': (2,), }", struct.pack("<2I", 0, 1))),
                 features(1, npy(2, "{'descr': '>f8', 'fortran_order': True, 'shape': (2, 1), }", bytes(16)),
                          npy(1, "{'descr': '>i2', 'fortran_order': False, 'shape': (2,), }", b"\0\1\0\0"), b"cat\ndog\n")],
    "segments": [parts(b"number,name\n7,sky\n9,sea\n", png(8, 8, 0, 8, 1)), parts(b"1,a\n2,b\n", png(8, 8, 0, 2, 1))],
    "boxes": [b"\0file,x0,y0,x1,y1,label\na.png,1,2,3.5,4,cat\n\"b,\"\"c\",0,0,9,9\n",
              b"\1" + b"1 0.5 1.0 20.0 30.0\n2 1.0 2.0 3.0 4.0\n",
              b"\2<annotation><object><name>n1</name><bndbox><xmin>1</xmin><ymin>2</ymin><xmax>30</xmax><ymax>4</ymax>"
              b"</bndbox></object></annotation>",
              b"\2<annotation><size><width>60</width><height>10</height></size><bndbox><xmin> 1 </xmin><ymin>0</ymin><xmax>1e9</xmax>"
              b"<ymax>4</ymax></bndbox></annotation>", b"\0a.png,1,2,3,4\r\n", b"\0\"a\"b,1,2,3,4\n"],
    "listing": [b"\0img_id,img_filename,y,split,place,place_filename\n1,a.jpg,0,0,1,x\n2,b.jpg,1,0,0,x\n3,c.jpg,1,2,0,x\n",
                b"\1image_id,split,Blond_Hair,Male\na.jpg,0,0,1\nb.jpg,0,1,0\nc.jpg,2,1,1\n",
                b"\2img_filename,y,split,place\nd/a.jpg,0,0,1\nd/b.jpg,1,0,0\nd/c.jpg,1,2,1\n",
                b"\3image_id,Blond_Hair,Male\na.jpg,-1,1\nb.jpg,1,-1\nc.jpg,1,1\n\0image_id,partition\na.jpg,0\nb.jpg,0\nc.jpg,2\n",
                b"\4" + b"3\nBlond_Hair Male\na.jpg -1 1\nb.jpg 1 -1\nc.jpg 1 1\n\0a.jpg 0\nb.jpg 0\nc.jpg 2\n",
                b"\5" + b"1 a/a.jpg\n2 b/b.jpg\n3 a/c.jpg\n\0" + b"1 1\n2 2\n3 1\n", b"\5" + b"1 a\n2 b\n\0" + b"1 1\n2 0\n"],
    "cifar": [b"\0" + bytes(3073), b"\1" + bytes(2 * 3074)],
    "picture": [png(3, 2, 0, 8, 1), png(3, 2, 2, 16, 3), png(4, 2, 3, 4, 1), png(2, 2, 6, 8, 4), jpeg()],
    "checkpoint": [],
    "sheet": [b"trial,cell,repeat,status,reason,mix.alpha,seed,val.accuracy,run.attempts\n0123456789abcdef.r0,0123456789abcdef,0,done,,0.5,7,0.25,1\n\0"
              b"cell,mix.alpha,planned,done,failed,quarantined,stopped,pending,val.accuracy.n,val.accuracy.mean,val.accuracy.sd,"
              b"val.accuracy.low,val.accuracy.high\n0123456789abcdef,0.5,1,1,0,0,0,0,1,0.25,,,\n"],
    "status": [json.dumps(STATUS).encode() + b"\0" + json.dumps(OWNER).encode(), json.dumps(STATUS).encode()],
    "image_store": [image_store(0, 3, 1), image_store(4, 2, 3), image_store(6, 2, 3), image_store(14, 2, 3)[:-12]],
    "file_index": [b"\1" + bytes(32), b"\1" + bytes(32 + 3 * 24), b"\0mx files 1\n"],
    "config": [CONFIG.encode(), b"grids:\n- {mix.alpha: &a [1, 2]}\n- {train.lr: *a}\ndata: {set: mnist}\nmodel: {arch: linear}\n"],
    "journal": [b'{"seq":0,"kind":"incarnation","pid":1,"host":"h","at":1.5,"accepted":[],"sum":"0123456789abcdef"}\n',
                b'#\n{"seq":1,"kind":"done","key":"0123456789abcdef0123456789abcdef","attempt":1,"metrics":{"val.accuracy":0.5},'
                b'"sum":"0123456789abcdef"}\n'],
    "unpack": [bytes([k % 3]) + archive for k, archive in enumerate(ARCHIVES)] + [b"\0" + archive for archive in ARCHIVES],
    "wire": [bytes([k]) + frame(1 + k // 2, bytes(40)) for k in range(8)],
}


def main():
    program, seconds = pathlib.Path(sys.argv[1]), int(sys.argv[2])
    inputs = program.with_name(program.name + ".inputs")
    inputs.mkdir(exist_ok=True)
    for k, seed in enumerate(SEEDS.get(program.name.removeprefix("fuzz_"), [])):
        (inputs / f"seed-{k}").write_bytes(seed)
    return subprocess.run([program, f"-max_total_time={seconds}", "-timeout=20", "-rss_limit_mb=3000", "-print_final_stats=1",
                           f"-artifact_prefix={program}.found-", inputs], check=False).returncode


if __name__ == "__main__":
    sys.exit(main())
