"""The static files as they are served in production, once `manage.py collectstatic` has put them together: compressed,
and each also under a name with a hash of its content, which browsers keep for good.

Where nothing was collected, as in development and after a bare `manage.py serve`, they are served as they are written.
"""

from typing import Any, ClassVar

from whitenoise.storage import CompressedManifestStaticFilesStorage


class CollectedStaticFiles(CompressedManifestStaticFilesStorage):  # type: ignore[misc]
    """WhiteNoise's, without rewriting scripts: their imports are led to the hashed names by the page's import map, and
    what vendored ones say of source maps names files that are not served."""

    patterns: ClassVar[Any] = tuple(
        entry for entry in CompressedManifestStaticFilesStorage.patterns if entry[0] == "*.css"
    )

    def stored_name(self, name: str) -> str:
        return str(super().stored_name(name)) if self.hashed_files else name
