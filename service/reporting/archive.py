"""Archives whose bytes follow from what is in them alone.

Nothing is compressed: two builds of the same library may compress differently, and what was published must come out the
same on any machine.
"""

import io
import zipfile
from collections.abc import Mapping

# The first instant that an archive can tell.
EPOCH = (1980, 1, 1, 0, 0, 0)


def archive_bytes(files: Mapping[str, bytes]) -> bytes:
    """Return an archive of files, in the order given."""
    made = io.BytesIO()
    with zipfile.ZipFile(made, "w", zipfile.ZIP_STORED) as archive:
        for name, content in files.items():
            entry = zipfile.ZipInfo(name, EPOCH)
            entry.create_system, entry.external_attr = 3, 0o644 << 16
            archive.writestr(entry, content)
    return made.getvalue()


def repacked(content: bytes) -> bytes:
    """Return an archive with the same files in the same order, packed anew."""
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        return archive_bytes({name: archive.read(name) for name in archive.namelist()})
