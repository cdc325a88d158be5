"""NumPy's files without NumPy: written by tests, and read back."""
import ast
import math
import struct

LETTERS = {"f4": "f", "f8": "d", "u4": "I", "i4": "i", "i8": "q", "u1": "B"}


def read(path):
    """Shape and numbers."""
    data = path.read_bytes()
    size = struct.unpack("<H", data[8:10])[0]
    header = ast.literal_eval(data[10:10 + size].decode())
    assert not header["fortran_order"]
    count = math.prod(header["shape"])
    return header["shape"], struct.unpack(f"<{count}{LETTERS[header['descr'][1:]]}", data[10 + size:])


def rows(path):
    """The numbers row by row: what has one dimension has rows of one."""
    shape, numbers = read(path)
    width = math.prod(shape[1:])
    return [numbers[k:k + width] for k in range(0, len(numbers), width)]


def write(path, kind, shape, numbers):
    """An array of a kind such as f8."""
    header = f"{{'descr': '<{kind}', 'fortran_order': False, 'shape': {tuple(shape)}, }}"
    header += " " * (-(len(header) + 11) % 64) + "\n"
    path.write_bytes(b"\x93NUMPY\x01\x00" + struct.pack("<H", len(header)) + header.encode() +
                     struct.pack(f"<{len(numbers)}{LETTERS[kind]}", *numbers))
