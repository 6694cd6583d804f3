"""Marquee's files, as serve.py and milvus_flow.py read them."""
import mmap
import struct

import numpy as np


class Container:
    """A .mrq file (src/base/container.h): arrays by the name of their section, over the mapped file."""

    def __init__(self, path):
        with open(path, "rb") as file:
            self.bytes = mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ)
        magic, _, _, _, sections, layout = struct.unpack_from("<8s8sIIII", self.bytes)
        if magic != b"MARQUEE\n" or layout != 1:
            raise SystemExit("%s: not a Marquee file of format 1" % path)
        self.at = {}
        for i in range(sections):
            name, offset, size = struct.unpack_from("<24sQQ", self.bytes, 48 + 40 * i)
            self.at[name.rstrip(b"\0").decode()] = (offset, size)

    def array(self, name, dtype):
        offset, size = self.at[name]
        return np.frombuffer(self.bytes, dtype, size // np.dtype(dtype).itemsize, offset)

    def strings(self, name):
        at, text = self.array(name + "_at", "<u4"), self.array(name, "u1").tobytes()
        return [text[a:b].rstrip(b"\0").decode() for a, b in zip(at[:-1], at[1:])]

    def lists(self, name):
        return self.array(name + ".at", "<u8"), self.array(name + ".item", "<u4")

    def columns(self, table):
        """{name: prefix of its sections}."""
        columns = self.array(table + ".columns", "S32,<u4,<u4")
        return {column[0].decode(): "%s.%d" % (table, i) for i, column in enumerate(columns)}


class Feature:
    """A category of the users: codes by what a person writes, a row of the tower a code."""

    def __init__(self, users, at):
        self.values, self.labels = users.strings(at + ".dict"), users.strings(at + ".label")
        self.bounds = users.array(at + ".bound", "<f8") if at + ".bound" in users.at else None
        self.codes = users.array(at + ".code", "<u4")
        self.code_of = {name: code for names in (self.values, self.labels) for code, name in enumerate(names)}
        self.told = [{"value": v, "label": l} for v, l in zip(self.values, self.labels)]

    def code(self, text):
        if self.bounds is not None:
            return max(0, int(np.searchsorted(self.bounds, float(text), "right")) - 1)
        return self.code_of[text]
