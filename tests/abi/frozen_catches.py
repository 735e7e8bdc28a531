#!/usr/bin/env python3
"""Spoils a copy of the headers in every way that breaks built plugins and expects frozen_v1.c to stop
compiling; appends to a copy and expects it to go on."""
import argparse
import pathlib
import shutil
import subprocess
import sys
import tempfile

# name, header, text, replacement, may it compile?
ROWS = [
    ("unchanged", "abi/types.h", "", "", True),
    ("member appended to the job", "abi/host.h",
     "(*accepted)(void* self, rg_bytes remote_json); /*",
     "(*accepted)(void* self, rg_bytes remote_json); void (*more)(void* self); /*", True),
    ("member appended to the provider", "abi/provider.h",
     "const void* (*extension)(const char* id);",
     "const void* (*extension)(const char* id); void (*more)(void* self);", True),
    ("status appended", "abi/types.h", "RG_CANCELLED = 5", "RG_CANCELLED = 5, RG_MORE = 6", True),
    ("members swapped", "abi/host.h", "rg_bytes data_dir;  /* the provider's own directory, kept */\n    rg_bytes cache_dir;",
     "rg_bytes cache_dir;\n    rg_bytes data_dir;", False),
    ("functions of one type swapped", "abi/host.h",
     "(*intend)(void* self, rg_bytes what_json);     /* [run] returns once it is on disk */\n    rg_status (*accepted)",
     "(*accepted)(void* self, rg_bytes what_json);     /* [run] returns once it is on disk */\n    rg_status (*intend)", False),
    ("function removed in the middle", "abi/provider.h", "rg_status (*probe)(void* self, const rg_sink* out);", "", False),
    ("member inserted", "abi/host.h", "uint32_t step, steps;", "uint32_t step, steps, substep, pad;", False),
    ("member removed at the end", "abi/provider.h", "const void* (*extension)(const char* id);", "", False),
    ("member retyped in its size", "abi/host.h", "int32_t source; ", "uint32_t source; ", False),
    ("member renamed", "abi/host.h", "int32_t cancel_fd;", "int32_t stop_fd;", False),
    ("return type changed", "abi/host.h", "void (*progress)(void* self, const rg_progress* progress);",
     "int32_t (*progress)(void* self, const rg_progress* progress);", False),
    ("parameter added", "abi/host.h", "rg_status (*preview)(void* self, rg_bytes relative_path);",
     "rg_status (*preview)(void* self, rg_bytes relative_path, int32_t n);", False),
    ("parameter lost its const", "abi/provider.h", "rg_status (*describe)(const rg_sink* out);",
     "rg_status (*describe)(rg_sink* out);", False),
    ("status renumbered", "abi/types.h", "RG_FAILED = 3", "RG_FAILED = 7", False),
    ("level inserted", "abi/host.h", "RG_DEBUG = 0, RG_INFO = 1, RG_WARN = 2", "RG_DEBUG = 0, RG_INFO = 2, RG_WARN = 1", False),
    ("status retyped", "abi/types.h", "typedef int32_t rg_status;", "typedef uint32_t rg_status;", False),
    ("value struct grown", "abi/types.h", "    size_t size;\n", "    size_t size;\n    size_t capacity;\n", False),
    ("extension grown", "ext/warm.h", "(*loaded)(void* self, const rg_sink* out);",
     "(*loaded)(void* self, const rg_sink* out); void (*more)(void* self);", False),
    ("extension renamed", "ext/warm.h", "reelgate.warm/1", "reelgate.heat/1", False),
    ("entry changed", "abi/provider.h", "reelgate_provider_v1(void);", "reelgate_provider_v1(int host);", False),
]


def main():
    parser = argparse.ArgumentParser()
    for option in ("--cc", "--include", "--frozen"):
        parser.add_argument(option, required=True)
    args = parser.parse_args()
    wrong = []
    for name, header, text, replacement, compiles in ROWS:
        with tempfile.TemporaryDirectory() as directory:
            include = pathlib.Path(directory) / "include"
            shutil.copytree(args.include, include)
            spoilt = include / "reelgate" / header
            before = spoilt.read_text()
            if text not in before:
                wrong.append(f"{name}: the row no longer fits {header}")
                continue
            spoilt.write_text(before.replace(text, replacement, 1) if text else before)
            done = subprocess.run([args.cc, "-std=c11", "-fsyntax-only", f"-I{include}", args.frozen],
                                  capture_output=True, text=True)
            if (done.returncode == 0) != compiles:
                wrong.append(f"{name}: {'compiles' if done.returncode == 0 else done.stderr}")
    print("\n".join(wrong) or f"{len(ROWS)} rows: ok")
    return 1 if wrong else 0


sys.exit(main())
