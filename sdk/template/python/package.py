#!/usr/bin/env python3
"""Puts the plugin together: build/plugins/@ID@ is what a host loads; copy it as a whole."""
import hashlib
import pathlib
import shutil

HERE = pathlib.Path(__file__).resolve().parent
TARGET = HERE / "build" / "plugins" / "@ID@"

shutil.rmtree(TARGET, ignore_errors=True)
shutil.copytree(HERE / "plugin", TARGET, ignore=shutil.ignore_patterns("__pycache__"))
files = sorted(file for file in TARGET.rglob("*") if file.is_file())
sums = [f"{hashlib.sha256(file.read_bytes()).hexdigest()}  {file.relative_to(TARGET)}\n" for file in files]
(TARGET / "SHA256SUMS").write_text("".join(sums), encoding="utf-8")
print(TARGET)
