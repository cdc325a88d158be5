"""Records of TensorBoard files and their protocol buffers, read with nothing but Python: what the
tests of `export --format tensorboard` go by. Nothing of it comes from the program."""
import struct


def crc32c(data):
    """Castagnoli's checksum, one bit at a time."""
    crc = 0xFFFFFFFF
    for byte in data:
        crc ^= byte
        for _ in range(8):
            crc = crc >> 1 ^ (0x82F63B78 if crc & 1 else 0)
    return crc ^ 0xFFFFFFFF


def masked(data):
    crc = crc32c(data)
    return ((crc >> 15 | crc << 17) + 0xA282EAD8) & 0xFFFFFFFF


def records(data):
    """The contents of all records; ValueError where one is damaged."""
    found = []
    while data:
        length, check = struct.unpack("<QI", data[:12])
        if masked(data[:8]) != check:
            raise ValueError("the checksum of a length is wrong")
        content, rest = data[12:12 + length], data[12 + length:]
        if len(content) < length or masked(content) != struct.unpack("<I", rest[:4])[0]:
            raise ValueError("the checksum of a record is wrong")
        found.append(content)
        data = rest[4:]
    return found


def varint(data, at):
    n = shift = 0
    while True:
        n |= (data[at] & 127) << shift
        shift += 7
        at += 1
        if data[at - 1] < 128:
            return n, at


def fields(data):
    """A message as {field number: [values]}: integers, doubles and floats as 8 and 4 bytes, bytes."""
    found, at = {}, 0
    while at < len(data):
        key, at = varint(data, at)
        if key & 7 == 0:
            value, at = varint(data, at)
        elif key & 7 == 1:
            value, at = data[at:at + 8], at + 8
        elif key & 7 == 2:
            length, at = varint(data, at)
            value, at = data[at:at + length], at + length
        elif key & 7 == 5:
            value, at = data[at:at + 4], at + 4
        else:
            raise ValueError(f"wire type {key & 7}")
        found.setdefault(key >> 3, []).append(value)
    return found


def double(data):
    return struct.unpack("<d", data)[0]


def summaries(path):
    """(wall time, step, tag, data of the hparams plugin or None, number or None) of each value in a
    file."""
    events = [fields(record) for record in records(path.read_bytes())]
    if events[0][3] != [b"brain.Event:2"]:
        raise ValueError("the file does not begin as it should")
    found = []
    for event in events[1:]:
        for value in map(fields, fields(event[5][0])[1]):
            data = number = None
            if 2 in value:
                [number] = struct.unpack("<f", value[2][0])
            else:
                plugin = fields(fields(value[9][0])[1][0])
                if plugin[1] != [b"hparams"]:
                    raise ValueError(f"plugin {plugin[1]}")
                data = plugin[2][0]
            found.append((double(event[1][0]), event.get(2, [0])[0], value[1][0].decode(), data, number))
    return found


def as_float(text):
    """The float that is nearest to a number."""
    return struct.unpack("<f", struct.pack("<f", float(text)))[0]


def hparams(data):
    """A session's hyperparameters from the plugin's data, and its group."""
    start = fields(fields(data)[3][0])
    found = {}
    for entry in map(fields, start.get(1, [])):
        value = fields(entry[2][0])
        found[entry[1][0].decode()] = (double(value[2][0]) if 2 in value else
                                       bool(value[4][0]) if 4 in value else value[3][0].decode())
    return found, start[4][0].decode()
