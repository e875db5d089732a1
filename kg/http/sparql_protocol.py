"""Parser of SPARQL 1.1 Protocol requests for queries (section 2.1), and of the method QUERY."""

from collections.abc import Sequence
from urllib.parse import parse_qsl, unquote_to_bytes

from kg.core.errors import KgError
from kg.core.paths import bom_encoding, decode, guess_encoding
from kg.engine.query_evaluator import READ_ONLY
from kg.engine.wire import QueryRequest, Refusal

FORM = "application/x-www-form-urlencoded"
QUERY = "application/sparql-query"
UPDATE = "application/sparql-update"
LONGEST_URL = 6000  # characters of a URL that is handed out: accepted by every proxy
# Media type of QUERY requests (draft-ietf-httpbis-safe-method-w-body, which also defines this header).
ACCEPT_QUERY = {"Accept-Query": QUERY}


def decode_parameters(encoded: bytes) -> list[tuple[str, str]]:
    """Parse a query string or a form into pairs, percent-decoded once."""
    try:
        pairs = parse_qsl(encoded.decode(), keep_blank_values=True, errors="strict", max_num_fields=1000)
        return [(key, value.removeprefix("\ufeff")) for key, value in pairs]  # a mark that a file began with
    except UnicodeDecodeError as error:
        raise Refusal(400, f"the parameters are not UTF-8{_encoding_guess(encoded)}; send them as UTF-8") from error
    except ValueError as error:
        raise Refusal(400, f"the parameters cannot be read: {error}") from error


def _encoding_guess(encoded: bytes) -> str:
    """Return a guess at the encoding of parameter values, as a phrase; empty if there is none."""
    values = (unquote_to_bytes(pair.partition(b"=")[2].replace(b"+", b" ")) for pair in encoded.split(b"&"))
    found = next((name for value in values if not _is_utf_8(value) and (name := guess_encoding(value))), "")
    return f": this looks like {found}" if found else ""


def _is_utf_8(content: bytes) -> bool:
    try:
        content.decode()
    except UnicodeDecodeError:
        return False
    return True


def parse_parameters(pairs: Sequence[tuple[str, str]]) -> QueryRequest | None:
    """Parse the parameters of a request; None if they contain no query."""
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


def parse_post(content_type: str, query_string: bytes, body: bytes) -> QueryRequest:
    """Parse a POST request: the query is a form field or the whole body."""
    media_type = content_type.split(";")[0].strip().lower()
    pairs = decode_parameters(query_string)
    if media_type == FORM:
        pairs += decode_parameters(body)
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
        detail = f"Content-Type {media_type or '(none)'} is not supported; send a query as {accepted}"
        raise Refusal(415, detail, {"Accept-Post": f"{QUERY}, {FORM}"})
    question = parse_parameters(pairs)
    if question is None:
        raise Refusal(400, "the request holds no query; put it into the parameter “query”")
    return question


def parse_query_method(content_type: str, query_string: bytes, body: bytes) -> QueryRequest:
    """Parse a QUERY request: the body is the query, the URL parameters name the dataset."""
    media_type = content_type.split(";")[0].strip().lower()
    if media_type != QUERY:
        status = 415 if media_type else 400
        raise Refusal(
            status,
            f"Content-Type {media_type or '(none)'} is not supported; send a query by the method QUERY as {QUERY}",
            ACCEPT_QUERY,
        )
    return parse_post(content_type, query_string, body)
