"""Requests that are refused, for who asks a service from outside: serve_requests.py, and tools/soak for hours."""

PERSON = "&age=25&gender=F&job=12"

# Query strings of /v1/recommendations: with which status, and what the sentence says.
QUERIES = (
    ("foo=1", 400, 'foo "1": neither a field of a query nor a column of the users; the columns: gender, age, job'),
    ("with=foo=1", 400, 'foo "1": neither a field of a query'),
    ("with=foo", 400, 'with "foo": want NAME=VALUE'),
    ("foo=1&foo=2", 400, "foo: given twice"),
    ("foo", 400, "foo: without a value"),
    ("foo=%zz", 400, "foo: broken percent-encoding"),
    ("zip=1" + PERSON, 400, 'zip "1": neither a field of a query'),
    ("k=0", 400, 'k "0": want a whole number from 1 to 1000'),
    ("k=1.5" + PERSON, 400, 'k "1.5"'),
    ("k=5&k=5" + PERSON, 400, "k: given twice"),
    ("age=%zz", 400, "age: broken percent-encoding"),
    ("age=%00", 400, 'age: "%00"'),
    ("age=%ff", 400, "age: byte 1 is not UTF-8"),
    ("=1", 400, '"" is neither a field of a query'),
    ("a=b=c", 400, 'a "b=c": neither a field of a query'),
    ("a%3Db=c", 400, '"a=b" is neither a field of a query'),
    ("item=1" + PERSON, 400, 'unknown parameter "item": want age, gender, job, with, user,'),
    ("age=x&gender=F&job=12", 400, 'age "x"'),
    ("age=25&gender=X&job=12", 400, 'gender "X"'),
    ("age=25&gender=F&job=astronaut", 400, 'job "astronaut"'),
    ("age=&gender=F&job=12", 400, "age"),
    ("user=999999", 404, "user 999999"),
    ("user=-1", 404, "user -1"),
    ("user=x%2Fy", 404, "user x/y"),
    ("user=%0A", 400, 'user "?"'),
    ("user=" + "x" * 256, 400, "user"),
    ("genre=Nope" + PERSON, 400, 'genre "Nope"'),
    ("year=x" + PERSON, 400, 'year "x"'),
    ("include_seen=maybe" + PERSON, 400, 'include_seen "maybe"'),
    ("explain=0x5" + PERSON, 400, 'explain "0x5"'),
    ("k=1000&explain=100" + PERSON, 400, "explain: 1000 items with 100 parts of scores each, want at most 100000"),
    ("exclude=1,%0A" + PERSON, 400, 'exclude "?"'),
    ("query=x" + PERSON, 400, 'unknown parameter "query"'),
)

# Whole targets.
TARGETS = (
    ("/v1/items/999999", 404, "999999"),
    ("/v1/items/1x", 404, "1x"),
    ("/v1/items/-1", 404, "-1"),
    ("/v1/items/%39%39%39999", 404, "999999"),
    ("/v1/items/a%2Fb+c", 404, "a/b+c"),
    ("/v1/items/99999999999999999999", 404, "99999999999999999999"),
    ("/v1/items/%3", 400, 'id: broken percent-encoding "%3"'),
    ("/v1/items/%00", 400, 'id: "%00" is not allowed in a text'),
    ("/v1/items/a%ff", 400, "id: byte 2 is not UTF-8"),
    ("/v1/items/a%0Ab", 400, 'id "a?b": contains a control character'),
    ("/v1/items/" + "x" * 256, 400, "id: more than 255 bytes"),
    ("/v1/items/1?k=1", 400, "want no parameters"),
    ("/v1/items/999999/similar", 404, "999999"),
    ("/v1/items/1/similar?age=1", 400, 'unknown parameter "age": want k, genre, all_genres, year, where, exclude'),
    ("/v1/items/1/similar?foo=1", 400, 'unknown parameter "foo": want k, genre, all_genres, year, where, exclude'),
    ("/v1/items/1/similar?item=1", 400, 'unknown parameter "item"'),
    ("/v1/items/1/similar?include_seen=1", 400, 'unknown parameter "include_seen"'),
    ("/v1/users/4?user=4", 400, 'unknown parameter "user": want k'),
    ("/v1/items?with=age=25", 400, 'unknown parameter "with": want k, query'),
    ("/v1/users/999999", 404, "999999"),
    ("/v1/users/x", 404, "user x"),
    ("/v1/users/%7F", 400, 'id "?": contains a control character'),
    ("/v1/users/4?k=1001", 400, 'k "1001"'),
    ("/v1/items?query=%", 400, "query: broken"),
    ("/v1/info?x", 400, 'parameter "x"'),
    ("/metrics?x=1", 400, 'parameter "x"'),
)

# Where nothing is: 404.
NOWHERE = (
    "/v1",
    "/v1/",
    "/v1/info/",
    "//v1/info",
    "/v1//info",
    "/v1/../v1/info",
    "/v1/movies",
    "/v1/movies/1",
    "/v1/movies/1/similar",
    "/v1/items/",
    "/v1/items//similar",
    "/v1/items/1/",
    "/../../../etc/passwd",
    "/%2e%2e/%2e%2e/etc/passwd",
    "/page.css/..",
    "/v1%2Finfo",
    "/index.html",
    "/page.js%00",
    "/.",
    "/v1/items/1/similar/x",
)

# Methods that a target does not take, and which it does.
METHODS = (
    ("POST", "/v1/info", "GET, HEAD"),
    ("PUT", "/v1/recommendations", "GET, HEAD, POST"),
    ("DELETE", "/", "GET, HEAD"),
    ("OPTIONS", "/healthz", "GET, HEAD"),
    ("BREW", "/v1/items/1", "GET, HEAD"),
    ("get", "/healthz", "GET, HEAD"),
)

# Bytes that are no request.
GARBAGE = (
    b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + bytes(100),
    b"\r\n" * 1000,
    b"hello\r\n\r\n",
    b"\xff" * 5000,
    b"GET\r\n\r\n",
    b"GET /healthz HTTP/9.9\r\n\r\n",
    b"GET /healthz HTTP/1.1\r\n: x\r\n\r\n",
    b"GET /\x00/x HTTP/1.1\r\nHost: localhost\r\n\r\n",
    b"POST /v1/recommendations HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n",
    b"POST /v1/recommendations HTTP/1.1\r\nHost: localhost\r\nContent-Length: -1\r\n\r\n",
    b"POST /v1/recommendations HTTP/1.1\r\nHost: localhost\r\nContent-Length: 1e3\r\n\r\n",
)
