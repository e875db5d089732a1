"""The SPARQL 1.1 Protocol for queries, section 2.1: what a request asks."""

from collections.abc import Sequence
from urllib.parse import parse_qsl, unquote_to_bytes

from kg.core.errors import KgError
from kg.core.paths import bom_encoding, decode, guess_encoding
from kg.engine.query_evaluator import READ_ONLY
from kg.engine.wire import QueryRequest, Refusal

FORM = "application/x-www-form-urlencoded"
QUERY = "application/sparql-query"
UPDATE = "application/sparql-update"
LONGEST_ADDRESS = 6000  # characters of an address that is given to others: what every proxy lets pass
# What comes as the body of a QUERY request (draft-ietf-httpbis-safe-method-w-body, which also names this header).
ACCEPT_QUERY = {"Accept-Query": QUERY}


def parameters(encoded: bytes) -> list[tuple[str, str]]:
    """Return the pairs of a query string or a form, decoded once."""
    try:
        pairs = parse_qsl(encoded.decode(), keep_blank_values=True, errors="strict", max_num_fields=1000)
        return [(key, value.removeprefix("\ufeff")) for key, value in pairs]  # a mark that a file began with
    except UnicodeDecodeError as error:
        raise Refusal(400, f"the parameters are no UTF-8{_likeness(encoded)}; send them as UTF-8") from error
    except ValueError as error:
        raise Refusal(400, f"the parameters cannot be read: {error}") from error


def _likeness(encoded: bytes) -> str:
    """Return what encoding the values of parameters look like, in words; nothing where it cannot be told."""
    values = (unquote_to_bytes(pair.partition(b"=")[2].replace(b"+", b" ")) for pair in encoded.split(b"&"))
    found = next((name for value in values if not _is_utf_8(value) and (name := guess_encoding(value))), "")
    return f": this looks like {found}" if found else ""


def _is_utf_8(content: bytes) -> bool:
    try:
        content.decode()
    except UnicodeDecodeError:
        return False
    return True


def read_question(pairs: Sequence[tuple[str, str]]) -> QueryRequest | None:
    """Return what the parameters of a request ask, or None where they hold no query."""
    if any(key == "update" for key, _ in pairs):
        raise Refusal(403, READ_ONLY)
    queries = [value for key, value in pairs if key == "query"]
    if len(queries) > 1:
        raise Refusal(400, "the request holds more than one query; send one")
    if not queries:
        return None
    formats = [value for key, value in pairs if key == "format" and value]
    return QueryRequest(
        query=queries[0],
        # forms of other endpoints send these empty where nothing was chosen
        default_graphs=tuple(value for key, value in pairs if key == "default-graph-uri" and value),
        named_graphs=tuple(value for key, value in pairs if key == "named-graph-uri" and value),
        format=formats[0] if formats else None,
    )


def read_post(content_type: str, query_string: bytes, body: bytes) -> QueryRequest:
    """Return what a POST asks: the query is a field of a form, or the whole body."""
    media_type = content_type.split(";")[0].strip().lower()
    pairs = parameters(query_string)
    if media_type == FORM:
        pairs += parameters(body)
    elif media_type == QUERY:
        if bom_encoding(body) not in ("", "utf-8-sig"):  # the protocol knows UTF-8 only
            raise Refusal(400, f"the query is not UTF-8: this looks like {guess_encoding(body)}; send it as UTF-8")
        try:
            pairs.append(("query", decode(body, "the query", KgError, "send it as UTF-8")))
        except KgError as error:
            raise Refusal(400, " ".join(str(error).split())) from error
    elif media_type == UPDATE:
        raise Refusal(403, READ_ONLY)
    else:
        accepted = f"{QUERY} or {FORM}"
        detail = f"a query comes as {accepted}, not as {media_type or 'nothing'}"
        raise Refusal(415, detail, {"Accept-Post": f"{QUERY}, {FORM}"})
    question = read_question(pairs)
    if question is None:
        raise Refusal(400, "the request holds no query; put it into the parameter “query”")
    return question


def read_query_method(content_type: str, query_string: bytes, body: bytes) -> QueryRequest:
    """Return what a request by the method QUERY asks: the whole body is the query, the address names the dataset."""
    media_type = content_type.split(";")[0].strip().lower()
    if media_type != QUERY:
        status = 415 if media_type else 400
        raise Refusal(status, f"with QUERY a query comes as {QUERY}, not as {media_type or 'nothing'}", ACCEPT_QUERY)
    return read_post(content_type, query_string, body)
