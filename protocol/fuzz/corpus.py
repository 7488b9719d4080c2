#!/usr/bin/env python3
"""The corpus between its two forms: one file of hex lines per target in this repository, a folder of files for cargo fuzz.

corpus.py unpack FOLDER    writes FOLDER/TARGET/* from corpus/TARGET.hex
corpus.py pack FOLDER      the other way round; inputs above 150 bytes are left out
"""
import hashlib
import pathlib
import sys

LONGEST = 150
HERE = pathlib.Path(__file__).parent / "corpus"


def unpack(folder):
    for packed in HERE.glob("*.hex"):
        target = folder / packed.stem
        target.mkdir(parents=True, exist_ok=True)
        for line in packed.read_text().splitlines():
            data = bytes.fromhex(line)
            (target / hashlib.sha1(data).hexdigest()).write_bytes(data)


def pack(folder):
    HERE.mkdir(exist_ok=True)
    for target in (entry for entry in folder.iterdir() if entry.is_dir()):
        inputs = {file.read_bytes() for file in target.iterdir()}
        lines = sorted(data.hex() for data in inputs if len(data) <= LONGEST)
        (HERE / f"{target.name}.hex").write_text("".join(line + "\n" for line in lines))


{"pack": pack, "unpack": unpack}[sys.argv[1]](pathlib.Path(sys.argv[2]))
