"""Values of `Cache-Control` (RFC 9111, 5.2), chosen by how long a response stays valid."""

from kg.core.release import Release

# The content of this URL never changes: a file of a release, an asset with a digest in its name.
IMMUTABLE = "public, max-age=31536000, immutable"
# The content changes with the release or with the version of this program.
HOURLY = "public, max-age=3600"
# The content may change with the next start of the server, so the response cache of this process may replay it.
REVALIDATED = "public, no-cache"
# The content may change at any time, for example with the next build.
NO_CACHE = "no-cache"
# The content depends on the client.
PRIVATE = "private, no-cache"
# The content depends on the moment of the request.
NO_STORE = "no-store"


def of_document(release: Release | None) -> str:
    """Return the value for documents made from a release; a development build and data files have no release."""
    return REVALIDATED if release is None or release.development else HOURLY


def of_file(release: Release) -> str:
    """Return the value for files and query results of a release at a URL with its version."""
    return NO_CACHE if release.development else IMMUTABLE


def of_description(release: Release) -> str:
    """Return the value for pages about a release at a URL with its version."""
    return NO_CACHE if release.development else HOURLY
