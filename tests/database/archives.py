"""Backups that somebody else has had their hands on."""

import hashlib
import json
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

Parts = dict[str, bytes]
MANIFEST = "manifest.json"


def parts_of(source: Path) -> Parts:
    """Return the files in a backup."""
    with zipfile.ZipFile(source) as archive:
        return {name: archive.read(name) for name in archive.namelist()}


def packed(parts: Parts, target: Path) -> Path:
    """Write files as a backup, and return where."""
    with zipfile.ZipFile(target, "w") as archive:
        for name, content in parts.items():
            archive.writestr(name, content)
    return target


def manifest_of(parts: Parts) -> dict[str, Any]:
    """Return what a backup says of itself."""
    return dict(json.loads(parts[MANIFEST]))


def forge(table: str, change: Callable[[list[dict[str, Any]]], object]) -> Callable[[Parts], None]:
    """Change the rows of a table, and make the manifest fit."""

    def act(parts: Parts) -> None:
        name = f"{table}.jsonl"
        rows = [json.loads(line) for line in parts[name].splitlines()]
        change(rows)
        parts[name] = b"".join(json.dumps(row).encode() + b"\n" for row in rows)
        manifest = manifest_of(parts)
        manifest["rows"][table] = len(rows)
        manifest["digests"][table] = hashlib.sha256(parts[name]).hexdigest()
        parts[MANIFEST] = json.dumps(manifest).encode()

    return act


def claim(**values: Any) -> Callable[[Parts], None]:
    """Let the manifest say something else."""

    def act(parts: Parts) -> None:
        parts[MANIFEST] = json.dumps({**manifest_of(parts), **values}).encode()

    return act


def edit(name: str, old: bytes, new: bytes) -> Callable[[Parts], None]:
    """Write over some words, as one would by hand."""

    def act(parts: Parts) -> None:
        assert old in parts[name]
        parts[name] = parts[name].replace(old, new, 1)

    return act


def put(name: str, content: bytes) -> Callable[[Parts], None]:
    """Put a file in the place of another."""
    return lambda parts: parts.update({name: content})


def lose(name: str) -> Callable[[Parts], object]:
    """Take a file out."""
    return lambda parts: parts.pop(name)
