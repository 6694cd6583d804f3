"""The HTTP service from outside, with the standard library alone: whatever is asked of it, and however, in a folder with the
stores S (model fusion) and R (model retrieval). Each function whose name begins with check_ is a subject of its own."""

import concurrent.futures, contextlib, json, os, random, re, resource, socket, subprocess, time

import refused
from server import GET, POST, Server, raw, statuses, timed, until


def infer(*options):
    out = subprocess.run([os.environ["INFER"], "--json", *options], stdout=subprocess.PIPE)
    return json.loads(out.stdout)


def check_routes(s, r):
    """Every route, with the right keys, headers and twin on the command line."""
    person = "age=25&gender=F&job=programmer"
    j = s.good(f"/v1/recommendations?{person}&k=3")
    twin = infer("--store", "S", "-a", "25", "-g", "F", "-j", "programmer", "-k", "3")
    assert {**j, "cache": 0} == {**twin, "cache": 0} and j["cache"] == "off" and len(j["results"]) == 3, (j, twin)
    assert s.good(f"/v1/recommendations?{person}&k=3")["cache"] == "memory"
    assert len(s.good(f"/v1/recommendations?{person}")["results"]) == 5
    known = s.good(
        "/v1/recommendations?user=4&genre=Drama&genre=Comedy&year=1950-&exclude=1,2&exclude=3&include_seen=true&explain=2"
    )
    assert all(
        {"Drama", "Comedy"} & set(m["genres"]) and int(m["id"]) > 3 and len(m["explanation"]["parts"]) <= 2 for m in known["results"]
    )
    assert s.good("/v1/recommendations?user=4&k=1")["query"]["user"] == "4"
    a, b, c, d = [m["id"] for m in r.good("/v1/items?k=4")["results"]]
    liked = r.good(f"/v1/recommendations?liked={a},{b}&liked={c}&disliked={d}&explain=true")
    assert not {a, b, c, d} & {m["id"] for m in liked["results"]} and liked["results"][0]["explanation"]["parts"]

    j = s.good("/v1/items/1")
    assert j["schema"] == 1 and j["generation"] and j["item"]["id"] == "1" and j["item"]["ratings"] > 0, j
    title = j["item"]["title"]
    genres = j["item"]["genres"]
    j = s.good("/v1/items/1/similar?k=2&genre=" + "&genre=".join(genres).replace(" ", "+"))
    assert j["query"]["item"] == {"id": "1", "title": title} and 1 <= len(j["results"]) <= 2 and j["results"][0]["id"] != "1", j
    assert s.good("/v1/items/%31/similar?k=2&genre=" + "&genre=".join(genres).replace(" ", "+"))["results"] == j["results"]
    j = s.good("/v1/items?k=3")
    assert len(j["results"]) == 3 and j["results"][0]["ratings"] >= j["results"][2]["ratings"], j
    assert len(s.good("/v1/items")["results"]) == 10
    word = title.split()[0].lower()
    assert "1" in [m["id"] for m in s.good(f"/v1/items?query={word}&k=1000")["results"]], word
    for blank in "?query=", "?query=%20+%09", "":
        assert s.good("/v1/items" + blank)["results"] == s.good("/v1/items")["results"], blank
    assert s.good("/v1/items?query=%C3%A9%E2%82%AC+zzz")["results"] == []
    j = s.good("/v1/users/4?k=2")
    assert j["user"]["id"] == "4" and j["user"]["ratings"] > 0 and len(j["results"]) == 2, j
    j = s.good("/v1/info")
    assert j["model"] == "fusion" and j["items"] == 400 and j["noun"] == ["movie", "movies"], j
    assert j["choices"]["gender"] and j["generations"][0]["current"], j
    assert s.good("/healthz") == s.good("/readyz?probe") == s.good("/healthz?x=1&x=%") == {"status": "ok"}

    # The document describes just these routes; and all of them take HEAD.
    document = s.good("/openapi.json")
    for reference in set(re.findall(r'"\$ref": "#/([^"]*)"', json.dumps(document))):
        assert resolve(document, reference), reference
    paths = document["paths"]
    for path, methods in paths.items():
        if "get" not in methods or path == "/v1/live":
            continue  # live.py asks these
        path = path.replace("{id}", "1")
        query = f"?{person}" if path == "/v1/recommendations" else ""
        status, headers, body = s.ask(path + query, method="HEAD")
        got = s.ask(path + query)
        assert status == got[0] == 200 and body == b"", path
        if path != "/metrics" and "cache" not in got[2]:  # these change from one time to the next
            assert headers["Content-Length"] == got[1]["Content-Length"], path
        parameters = [resolve(document, p["$ref"][2:]) if "$ref" in p else p for p in methods["get"].get("parameters", [])]
        known = {p["name"]: p["schema"] for p in parameters if p["in"] == "query"}
        persons = path == "/v1/recommendations"  # where any other may be a column of the users
        if path in ("/healthz", "/readyz"):
            assert s.good(path + "?nosuch=1") and not known
            continue
        refused = s.ask(path + ("?query=1" if persons else "?nosuch=1"))[2]["error"]["message"]
        want = set(re.findall(r"\w+", refused.split("want ")[1])) - {"no", "parameters"}
        if persons:
            refused = s.ask(path + "?nosuch=1")[2]["error"]["message"]
            want |= set(re.search(r"^nosuch \"1\": .*; the columns: (.*)", refused)[1].split(", "))
            assert set(known) == set(document["components"]["schemas"]["Query"]["properties"]), known
        assert want == set(known), (path, want, known)
        if "k" in known:
            default = 5 if path.endswith(("recommendations", "similar")) else 10
            assert known["k"] == {"type": "integer", "minimum": 1, "maximum": 1000, "default": default}, (path, known)
    assert set(re.findall(r'route="(/[^"]*)"', s.ask("/metrics")[2].decode())) >= {path for path, methods in paths.items() if "get" in methods} - {"/metrics", "/v1/live"}

    kinds = {"/": "text/html", "/page.css": "text/css", "/page.js": "text/javascript", "/parts.js": "text/javascript"}
    for path, kind in kinds.items():
        status, headers, body = s.ask(path)
        policy = headers["Content-Security-Policy"]
        assert status == 200 and headers["Content-Type"] == kind + "; charset=utf-8" and len(body) > 100, (path, str(headers))
        assert "default-src 'none'" in policy and "script-src 'self'" in policy and "unsafe" not in policy, policy
        assert headers["Referrer-Policy"] == "no-referrer" and headers["X-Content-Type-Options"] == "nosniff"
    assert s.metric('marquee_requests_total{route="/v1/info",code="200"}') >= 2
    assert s.metric('marquee_answers_total{source="memory"}') >= 1 and s.metric("marquee_items") == 400


def resolve(document, path):
    """What stands at a path like components/schemas/Id."""
    for key in path.split("/"):
        document = document[key]
    return document


def check_parameters(s, r):
    """What is wrong is refused with the name of what is wrong. (The reader's own refusals are in test_http.c.)"""
    ask = "/v1/recommendations?"
    for query, status, says in refused.QUERIES:
        s.bad(ask + query, status, says)
    r.bad(ask + "liked=999999", 404, "liked")
    r.bad(ask + "liked=1&disliked=1", 400, "liked")
    for path, status, says in refused.TARGETS:
        s.bad(path, status, says)
    for path in refused.NOWHERE:
        assert s.bad(path, 404, "nothing at /")[1] == "not_found"
    for method, path, allow in refused.METHODS:
        headers, code = s.bad(path, 405, f"{method} {path}: want {allow}", method=method)
        assert code == "method_not_allowed" and headers["Allow"] == allow


def check_strangers(s, r, post):
    """Who tells little is the average user in what is not told, in a URL as in a batch; "with" is the plain name."""
    queries = ["", "age=25&job=12", "age=25&gender=F", "gender=F", "disliked=1"]
    batch = [dict(pair.split("=") for pair in query.split("&") if pair) for query in queries]
    batch[-1] = {"disliked": [1]}
    answers = r.good("/v1/recommendations", body=json.dumps({"queries": batch}).encode(), **post)["answers"]
    for query, answer in zip(queries, answers):
        plain = r.good("/v1/recommendations?" + query)
        assert len(answer["results"]) == 5 and answer["results"] == plain["results"] and answer["query"] == plain["query"]
        assert set(answer["query"]) == {pair.split("=")[0] for pair in query.split("&") if pair} | {"user", "k"}, answer
    explained = r.good("/v1/recommendations?k=5&explain=true")["results"]
    assert all(not m["explanation"]["parts"] and abs(m["score"] - m["explanation"]["base"]) < 1e-6 for m in explained)
    assert [m["id"] for m in explained] == [m["id"] for m in answers[0]["results"]]
    wanted = s.good("/v1/recommendations?age=25&gender=F&job=12")
    for query in "with=age=25&with=gender=F&with=job=12", "age=25&with=job%3D12&gender=F":
        same = s.good("/v1/recommendations?" + query)
        assert (same["query"], same["results"]) == (wanted["query"], wanted["results"]), same
    for body in {"with": ["age=25", "gender=F", "job=12"]}, {"with": "age=25", "gender": "F", "job": {"value": 12}}:
        same = s.good("/v1/recommendations", body=json.dumps({"queries": [body]}).encode(), **post)["answers"][0]
        assert (same["query"], same["results"]) == (wanted["query"], wanted["results"]), same


def check_batch(s, r):
    post = dict(method="POST", headers={"Content-Type": "application/json; charset=utf-8"})
    batch = [
        {"user": 4, "k": 2},
        {"age": "25", "gender": "F", "job": "programmer"},
        {"k": 0},
        {"user": 4, "gender": "X"},
        {"user": 999999, "age": "25", "where": ["year>=1990", "genres=Comedy,War"], "show": ["year"], "offset": 3, "k": 2},
        {"age": 25, "gender": "F", "job": 12},
    ]
    answers = s.good("/v1/recommendations", body=json.dumps({"queries": batch}).encode(), **post)["answers"]
    assert len(answers) == 6 and len(answers[0]["results"]) == 2 and answers[1]["results"] == answers[5]["results"], answers
    assert answers[1]["results"] == s.good("/v1/recommendations?age=25&gender=F&job=12")["results"]
    assert answers[2]["error"]["code"] == "usage" and answers[2]["error"]["message"].startswith('k "0": want a whole number from 1 to 1000'), answers[2]
    assert answers[3]["error"]["code"] == "usage" and answers[3]["error"]["message"].startswith('gender "X": want'), answers[3]
    asked = "user=999999&age=25&where=year%3E=1990&where=genres=Comedy,War&show=year&offset=3&k=2"
    page, whole = answers[4], s.good("/v1/recommendations?" + asked.replace("offset=3&k=2", "k=5"))
    assert page == {**s.good("/v1/recommendations?" + asked), "cache": page["cache"]}, page
    assert page["user_known"] is False and page["query"]["user"] == "999999" and page["results"] == whole["results"][3:], (page, whole)
    assert [r["rank"] for r in page["results"]] == [4, 5] and all(r["columns"] == {"year": r["year"]} for r in page["results"]), page
    assert page["query"]["where"] == ["year>=1990", "genres=Comedy,War"] and page["query"]["offset"] == 3, page
    for told in lambda feature: feature, lambda feature: feature["value"]:
        again = [{**a["query"], **{name: told(a["query"][name]) for name in ("age", "gender", "job")}} for a in answers[:2]]
        same = s.good("/v1/recommendations", body=json.dumps({"queries": again}).encode(), **post)["answers"]
        assert [(a["query"], a["results"]) for a in same] == [(a["query"], a["results"]) for a in answers[:2]], same
    check_strangers(s, r, post)
    feedback = r.good("/v1/recommendations", body=json.dumps({"queries": [{"liked": [1], "explain": True}]}).encode(), **post)
    assert feedback["answers"][0]["results"][0]["explanation"], feedback
    assert s.good("/v1/recommendations", body=b'{"queries":[]}', **post) == {"schema": 1, "answers": []}
    many = json.dumps(
        {
            "queries": [
                {"age": str(a), "gender": g, "job": str(j), "k": 10} for a in (1, 18, 25, 35, 45) for g in "MF" for j in range(20)
            ]
            * 5
        }
    ).encode()
    start = time.monotonic()
    answers = s.good("/v1/recommendations", body=many, **post)["answers"]
    spent = time.monotonic() - start
    assert len(answers) == 1000 and all(len(a["results"]) == 10 for a in answers) and answers[:200] != answers[200:400]
    assert [a["results"] for a in answers[:200]] == [a["results"] for a in answers[200:400]] and spent < 5, spent
    print(f"a batch of 1,000: {1000 * spent:.0f} ms")

    for body, says in (
        (b"", "body:1: not valid JSON"),
        (b"{}", "queries: missing"),
        (b'{"queries":[{}],"x":1}', "x: unknown key"),
        (b"\xff", "body: byte 1 is not UTF-8"),
        (b'{"queries":[' + b"{}," * 1000 + b"{}]}", "1001 of them, want at most 1000"),
        (b"[" * 1000 + b"]" * 1000, "body"),
        (b'{"queries":' + b"[" * 500000 + b"]" * 500000 + b"}", "not valid JSON"),
        (b'{"a":' * 1000 + b"1" + b"}" * 1000, "body"),
        (json.dumps({"queries": [{"k": 1000, "user": 4}] * 101}).encode(), "101000 items and parts"),
        (json.dumps({"queries": [{"k": 1, "user": 4, "explain": 1}] * 101}).encode(), "101 of them with explain"),
    ):
        assert s.bad("/v1/recommendations", 400, says, body=body, **post)[1] == "usage"
    s.good("/v1/recommendations?k=1000&explain=99&age=25&gender=F&job=12")
    s.bad("/v1/recommendations?k=5", 400, 'unknown parameter "k": want no parameters', body=b'{"queries":[]}', **post)
    for kind in ("text/plain", "application/x-www-form-urlencoded", "application/jsonp", "application", "", None):
        headers = {} if kind is None else {"Content-Type": kind}
        code = s.bad("/v1/recommendations", 415, "Content-Type", body=b'{"queries":[]}', method="POST", headers=headers)[1]
        assert code == "unsupported_media_type", kind
    for body in (b'\xef\xbb\xbf{"queries":[]}', b'{"queries":[{"user":04}]}', b'{"queries":[{"user":4.}]}', b'\x0b{"queries":[]}'):
        assert s.bad("/v1/recommendations", 400, "body:1: not valid JSON", body=body, **post)[1] == "usage"


def check_heads(s, r):
    """Bytes that some take for one request and some for two: one answer, which says 400, and the end of the connection."""
    host, kind, inner = b"Host: localhost\r\n", b"Content-Type: application/json\r\n", GET % b"/healthz"
    sound = host + kind
    for lines in (
        sound + b"Content-Length:\r\n %d\r\n" % len(inner),
        sound + b"Content-Length:\r\n\t%d\r\n" % len(inner),
        sound + b"Content-Length: 4\r\n 2\r\n",
        sound + b"Content-Length: %d\r\n \r\n" % len(inner),
        sound + b"X: 1\r\n Content-Length: %d\r\n" % len(inner),
        sound + b"X: 1\r\n\tContent-Length:%d\r\n" % len(inner),
        sound + b"X: 1\r\n 2\r\n",
        sound + b"X: 1\r\n \r\n",
        sound + b"X:\r\n folded\r\n again\r\n",
        b" Content-Length: %d\r\n" % len(inner) + sound,
        b" X: 1\r\n" + sound,
        kind + b"Host:\r\n localhost\r\n",
        sound + b"Content-Length: %d\r\n" % len(inner) * 2,
        sound + b"Content-Length: 0\r\nContent-Length: %d\r\n" % len(inner),
        sound + b"Content-Length: %d junk\r\n" % len(inner),
        sound + b"Content-Length: %d \r\n" % len(inner),
        sound + b"Content-Length: +%d\r\n" % len(inner),
        sound + b"Content-Length: -%d\r\n" % len(inner),
        sound + b"Content-Length: \r\n",
        sound + b"Content-Length: 0x2a\r\n",
        sound + b"Content-Length: %d, %d\r\n" % (len(inner), len(inner)),
        sound + b"Content-Length: \x0b%d\r\n" % len(inner),
        sound + b"Content-Length: 99999999999999999999\r\n",
        sound + b"Content-Length: %d\0junk\r\n" % len(inner),
        sound + b"Content-Length: %d\0\r\n" % len(inner),
        sound + b"Content-Length\0: %d\r\n" % len(inner),
        sound + b"Content-Length:\0%d\r\n" % len(inner),
        sound + b"X: 1\0\r\n",
        sound + b"X: 1\0\0\r\nY: 2\r\n",
        sound + b"X: 1\0Content-Length: %d\r\n" % len(inner),
        sound + b"X: a\0\nContent-Length: %d\r\n" % len(inner),
        sound + b"X: a\0\nTransfer-Encoding: chunked\r\n",
        sound + b"X: 1\nContent-Length: %d\r\n" % len(inner),
        sound + b"X: 1\rContent-Length: %d\r\n" % len(inner),
        sound + b"X: \x01\r\n",
        sound + b"X: \x7f\r\n",
        sound + b"X Y: 1\r\n",
        sound + b"X\x0b: 1\r\n",
        sound + b"(X): 1\r\n",
        sound + b"Content-Length : %d\r\n" % len(inner),
        sound + b"Transfer-Encoding:\r\n chunked\r\n",
        sound + b"Transfer-Encoding: chunked\r\n , identity\r\n",
        sound + b"Transfer-Encoding: chun\r\n ked\r\n",
        sound + b"Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n",
        sound + b"Transfer-Encoding: chunked\r\nTransfer-Encoding: identity\r\n",
        sound + b"Transfer-Encoding: identity\r\nTransfer-Encoding: chunked\r\n",
        sound + b"Transfer-Encoding: chunked, identity\r\n",
        sound + b"Transfer-Encoding: identity, chunked\r\n",
        sound + b"Transfer-Encoding: \x0bchunked\r\n",
        sound + b"Transfer-Encoding: chunked\x0b\r\n",
        sound + b"Transfer-Encoding: chunked \r\n",
        sound + b"Transfer-Encoding: chunked\0\r\n",
        sound + b'Transfer-Encoding: "chunked"\r\n',
        sound + b"Transfer-Encoding : chunked\r\n",
        sound + b"Transfer-Encoding: chunked\r\nContent-Length: %d\r\n" % len(inner),
    ):
        for line in (b"POST /v1/recommendations HTTP/1.1\r\n", b"GET /healthz HTTP/1.1\r\n"):
            one_refusal(s, line + lines + b"\r\n" + inner)
    for line in (
        b"GET /healthz\0 HTTP/1.1\r\n",
        b"GET /healthz\0/x HTTP/1.1\r\n",
        b"GET /v1/items?query=a\0b HTTP/1.1\r\n",
        b"GET /healthz?\0 HTTP/1.1\r\n",
        b"GET\0 /healthz HTTP/1.1\r\n",
        b"GET  /healthz HTTP/1.1\r\n",
        b"GET /healthz  HTTP/1.1\r\n",
        b"GET /healthz HTTP/1.1\n",
        b"GET /healthz HTTP/1.1\0\n",
    ):
        one_refusal(s, line + host + b"\r\n" + inner)
    for end in (b"\n", b"\0\n", b"\r\0\n"):
        one_refusal(s, b"GET /healthz HTTP/1.1\r\n" + host + end + (GET % b"/v1/info"))
    one_refusal(s, b"GET /healthz HTTP/1.1\r\nHost: localhost\n\r\n" + inner)
    fine = b"POST /v1/recommendations HTTP/1.1\r\nX:\r\nY: \t a b\t\r\n" + sound + b"Content-Length:14\r\n\r\n"
    for pieces in ([fine + b'{"queries":[]}' + inner], [bytes([b]) for b in fine + b'{"queries":[]}' + inner]):
        assert statuses(raw(s, *pieces, want=2)[0]) == [200, 200]


def check_chunks(s, r):
    """The lines between chunks are not looked at, and may be read in another way: nothing behind them is taken for a request."""
    chunked = b"Transfer-Encoding: chunked\r\n\r\n"
    for head, body in ((POST, b'e\r\n{"queries":[]}\r\n'), (b"GET /healthz HTTP/1.1\r\nHost: localhost\r\n", b"")):
        for end in (b"0\r\n\r\n", b"0\n\n", b"0\r\nX: 1\n\r\n", b"0;x\n\r\n"):
            request = head + chunked + body + end + (GET % b"/v1/info")
            for pieces in ([request], [bytes([b]) for b in request]):
                out, closed = raw(s, *pieces)
                assert len(statuses(out)) == 1 and closed, (request, out)
                assert end != b"0\r\n\r\n" or (statuses(out) == [200] and b"Connection: close" in out), out


def check_patience(s, r):
    """A request that is refused by libmicrohttpd ends its own connection, and no other that its thread waits for."""
    with Server("--workers", "1") as alone, alone.connect() as other, alone.connect() as half:
        other.sendall(POST + b"Content-Length: 14\r\n\r\n")  # is waited for by the thread that refuses
        half.sendall(b"GET /healthz HTTP/1.1\r\nHost: ")
        one_refusal(alone, POST + b"Content-Length: 14 junk\r\n\r\n")
        other.sendall(b'{"queries":[]}')
        half.sendall(b"localhost\r\n\r\n")
        assert statuses(other.recv(4096)) == statuses(half.recv(4096)) == [200]


def one_refusal(s, request):
    for pieces in ([request], [bytes([b]) for b in request]):
        out, closed = raw(s, *pieces)
        assert statuses(out) == [400] and (b"\n" + out).count(b"\nHTTP/1.1 ") == 1 and closed and b"Connection: close" in out, (pieces, out)


def check_hosts(s, r):
    """Without a token only our own names are answered: a page whose name leads here cannot read what we know."""
    ask = lambda host, path="/v1/users/4", **more: s.ask(path, headers={"Host": host}, **more)[0]
    for host in ("localhost", "LOCALHOST:1", "127.0.0.1", "127.9.9.9:80", "[::1]:8080"):
        assert ask(host) == 200, host
    strange = ("evil.example", "evil.example:8080", "localhost.evil.example", "127.0.0.1.evil.example", "0.0.0.0", "movies.example")
    for host in strange:
        for path in ("/v1/users/4", "/v1/info", "/metrics", "/openapi.json", "/", "/page.js", "/nothing"):
            code = s.bad(path, 421, f'"{host}" is not a host', headers={"Host": host})[1]
            assert code == "misdirected"
        assert ask(host, "/v1/recommendations", method="POST", body=b'{"queries":[]}') == 421
        assert ask(host, "/v1/info", method="OPTIONS") == 421
        assert ask(host, "/healthz") == ask(host, "/readyz") == 200  # tell nothing of anybody
    assert statuses(raw(s, b"GET /v1/info HTTP/1.1\r\nHost:\r\n\r\n")[0]) == [421]
    assert statuses(raw(s, b"GET /v1/info HTTP/1.0\r\n\r\n")[0]) == [200]  # no browser
    assert statuses(raw(s, b"GET /v1/info HTTP/1.0\r\nHost: evil.example\r\n\r\n")[0]) == [421]
    for target, host in ((b"evil.example:7", b"localhost"), (b"localhost", b"evil.example:7"), (b"evil.example:7", b"x.example")):
        out = raw(s, b"GET http://%s/v1/info HTTP/1.1\r\nHost: %s\r\n\r\n" % (target, host))[0]
        assert statuses(out) == [421] and rb'"\"evil.example:7\" is not a host' in out and b"--host NAME" in out, out
    assert statuses(raw(s, b"GET http://127.0.0.1:9/v1/info HTTP/1.1\r\nHost: localhost\r\n\r\n")[0]) == [200]
    with Server("--host", "movies.example", "--host", "[2001:db8::7]") as named:
        for host, status in (("Movies.Example:443", 200), ("[2001:db8::7]", 200), ("localhost", 200), ("evil.example", 421)):
            assert named.ask("/v1/users/4", headers={"Host": host})[0] == status, host
    with Server(listen=f"unix:{os.getcwd()}/socket") as local:  # no browser reaches it
        assert local.ask("/v1/users/4", headers={"Host": "evil.example"})[0] == 200
    with Server("--token-file", "token") as guarded:
        bearer = {"Authorization": "Bearer " + open("token").read()}
        assert guarded.ask("/v1/users/4", headers={"Host": "any.example", **bearer})[0] == 200
        assert guarded.ask("/v1/users/4", headers={"Host": "any.example"})[0] == 401


def check_origins(s, r):
    """A page elsewhere may read the answers if its origin was allowed, errors among them; any other may not, nor ask beforehand."""
    mine, theirs = "https://movies.example", "https://evil.example"
    wanted = {"Access-Control-Request-Method": "POST", "Access-Control-Request-Headers": "authorization,content-type"}
    paths = {"/v1/info": 200, "/v1/users/999999": 404, "/v1/recommendations?age=x": 400, "/nothing": 404, "/": 200}
    with Server("--allow-origin", mine, "--allow-origin", "http://localhost:3000") as open_to, Server(
        "--allow-origin", mine, "--token-file", "token"
    ) as guarded:
        for origin in (mine, "http://localhost:3000"):
            for path, status in paths.items():
                got, headers, _ = open_to.ask(path, headers={"Origin": origin})
                assert (got, headers.get_all("Access-Control-Allow-Origin"), headers["Vary"]) == (status, [origin], "Origin"), path
        for origin in (theirs, "null", mine + ".evil.example", mine + ":443", "http://movies.example", ""):
            for path, status in paths.items():
                got, headers, _ = open_to.ask(path, headers={"Origin": origin})
                assert (got, headers["Access-Control-Allow-Origin"], headers["Vary"]) == (status, None, "Origin"), (origin, path)
            got, headers, _ = open_to.ask("/v1/recommendations", method="OPTIONS", headers={"Origin": origin, **wanted})
            assert got == 405 and not [h for h in headers if h.startswith("Access-Control")], str(headers)
        for server in (open_to, guarded):  # a browser asks without the token
            allowed = {"/v1/recommendations": "GET, HEAD, POST", "/v1/users/4": "GET, HEAD, PUT, DELETE", "/metrics": "GET, HEAD"}
            for path, methods in allowed.items():
                got, headers, body = server.ask(path, method="OPTIONS", headers={"Origin": mine, **wanted})
                assert got == 204 and body == b"" and headers["Access-Control-Allow-Methods"] == methods, (path, got)
                assert headers["Access-Control-Allow-Headers"] == "Authorization, Content-Type" and headers["Vary"] == "Origin"
                assert headers["Access-Control-Max-Age"] == "600" and headers["Access-Control-Allow-Origin"] == mine, str(headers)
        assert open_to.ask("/v1/info", method="OPTIONS", headers={"Origin": mine})[0] == 405  # asks nothing
        assert open_to.ask("/nothing", method="OPTIONS", headers={"Origin": mine, **wanted})[0] == 404
        got, headers, _ = guarded.ask("/v1/info", headers={"Origin": mine})
        assert got == 401 and headers["Access-Control-Allow-Origin"] == mine
        got, headers, _ = open_to.ask("/v1/info", headers={"Origin": mine, "Host": "evil.example"})
        assert got == 421, got
        assert open_to.metric('marquee_requests_total{route="none",code="204"}') == 3
    headers = s.ask("/v1/info", headers={"Origin": mine})[1]
    assert "Vary" not in headers and "Access-Control-Allow-Origin" not in headers
    s.bad("/v1/info", 405, "want GET, HEAD", method="OPTIONS", headers={"Origin": mine, **wanted})


def check_helpers(s, r):
    """Batches that come at once share as many threads as one has alone."""
    body = json.dumps({"queries": [{"user": u, "k": 1} for u in range(1, 200)] * 5}).encode()
    with Server("--workers", "4", "--memory", "0") as server:
        count = lambda: len(os.listdir(f"/proc/{server.process.pid}/task"))
        alone, most, beyond, row = count(), 0, 0, 0  # looks in a row that saw too many: a thread that ended is still listed for a moment
        headers = {"Content-Type": "application/json"}
        ask = lambda: [server.good("/v1/recommendations", method="POST", body=body, headers=headers) for _ in range(3)]
        with concurrent.futures.ThreadPoolExecutor(8) as pool:
            for _ in range(20):
                asked = [pool.submit(ask) for _ in range(8)]
                while not all(a.done() for a in asked):
                    now = count()
                    most, row = max(most, now), row + 1 if now > alone + 3 else 0
                    beyond = max(beyond, row)
                    time.sleep(0.0005)
                for a in asked:
                    a.result()
                if most > alone:  # they were seen at work
                    break
        assert alone < most and beyond < 5, (alone, most, beyond)


def check_protocol(s, r):
    """Bytes that no client of ours would send."""
    health = GET % b"/healthz"
    sound = lambda: s.good("/healthz")
    assert statuses(raw(s, health * 100, want=100)[0]) == [200] * 100  # pipelined, in one piece
    assert statuses(raw(s, *[bytes([b]) for b in health])[0]) == [200]  # byte by byte
    out, closed = raw(s, (GET % b"/v1/items/1") + (GET % b"/v1/items/1/similar") + (GET % b"/nothing") + health, want=4)
    assert statuses(out) == [200, 200, 404, 200] and not closed and out.index(b'"item"') < out.index(b'"results"')
    assert statuses(raw(s, health + b"\x00\x01garbage\r\n\r\n" + health)[0])[:1] == [200]
    assert raw(s, b"GET /healthz HTTP/1.0\r\n\r\n")[1] and statuses(raw(s, b"GET /healthz HTTP/1.0\r\n\r\n")[0]) == [200]
    assert statuses(raw(s, b"GET http://localhost:7/healthz HTTP/1.1\r\nHost: localhost\r\n\r\n")[0]) == [200]
    assert statuses(raw(s, b"GET /healthz HTTP/1.1\r\n\r\n")[0]) == [400]  # no Host
    assert statuses(raw(s, b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n")[0])[:1] == [505]
    for garbage in refused.GARBAGE:
        out, closed = raw(s, garbage, want=0, end=True)
        assert not {200, 500} & set(statuses(out)), (garbage, out)
        sound()
    rnd = random.Random(6)
    for _ in range(100):
        raw_bytes = bytearray(GET % b"/v1/recommendations?age=25&gender=F&job=12")
        for _ in range(rnd.randrange(1, 6)):
            raw_bytes[rnd.randrange(len(raw_bytes))] = rnd.randrange(256)
        with s.connect() as c:
            c.sendall(raw_bytes)
    sound()
    for byte in (b"\xff", b"\xc3"):
        out = raw(s, GET % (b"/v1/items?query=" + byte))[0]
        assert statuses(out) == [400] and b"query: byte 1 is not UTF-8" in out, out

    # What a proxy before us may cut into requests in another way: refused, and the end of the connection.
    post, inner = b"POST /v1/recommendations HTTP/1.%d\r\n%s\r\n", GET % b"/healthz"
    host = b"Host: localhost\r\nContent-Type: application/json\r\n"
    length, chunks = b"Content-Length: %d\r\n", b"Transfer-Encoding: %s\r\n"
    for minor, lines in (
        (1, host + length % 0 + length % len(inner)),
        (1, host + length % len(inner) + length % len(inner)),
        (1, host + b"Content-Length : %d\r\n" % len(inner)),
        (1, host + b"Content-Length\t: %d\r\n" % len(inner)),
        (1, host + b"Transfer-Encoding : chunked\r\n"),
        (1, host + chunks % b"chunked" + chunks % b"chunked"),
        (1, host + chunks % b"chunked" + chunks % b"identity"),
        (1, host + chunks % b"gzip, chunked"),
        (1, host + chunks % b"identity"),
        (1, host + chunks % b"xchunked"),
        (1, host + chunks % b""),
        (1, host + chunks % b"chunked" + length % 5),
        (0, host + chunks % b"chunked"),
        (1, host + host),
        (0, host + host + b"Connection: keep-alive\r\n"),
        (1, b""),
    ):
        for first in (post, b"GET" + post[4:]):
            out, closed = raw(s, first % (minor, lines) + inner)
            assert statuses(out) == [400] and closed and b"Connection: close" in out, (first, lines, out)
            assert b"want one Host; at most one Content-Length, in digits" in out, out
    assert statuses(raw(s, b"GET /healthz HTTP/1.1\r\nhOST: a\r\ncontent-length:0\r\n\r\n" + inner, want=2)[0]) == [200, 200]
    body = b'e\r\n{"queries":[]}\r\n0\r\n\r\n'
    assert statuses(raw(s, post % (1, host + chunks % b"CHUNKED") + body)[0]) == [200]

    # URLs.
    base = b"/v1/recommendations?age=25&gender=F&job=12"
    full = base + b"&exclude=" + b",".join([b"1"] * 2000)
    full += b"&liked=" + b"1" * (8192 - len(full) - 7)
    for url, want in (
        (full, [400]),
        (full + b"1", [414]),
        (base + b"&genre=Drama" * 600, [400]),
        (base + b"&x" * 4000, [400]),
        (base + b"a" * 20000, [414]),
        (base + b"a" * 200000, [414]),
    ):
        out = raw(s, GET % url)[0]
        assert statuses(out)[:1] == want, (len(url), out[:200])
    assert json.loads(raw(s, GET % (full + b"1"))[0].split(b"\r\n\r\n")[1])["error"] == {
        "code": "too_large",
        "message": "the URL has 8193 bytes, want at most 8192",
    }
    assert statuses(raw(s, b"GET /healthz HTTP/1.1\r\nHost: localhost\r\n" + b"X: y\r\n" * 10000 + b"\r\n")[0])[:1] == [431]
    assert statuses(raw(s, b"GET /healthz HTTP/1.1\r\nHost: localhost\r\nCookie: " + b"x" * 7000 + b"\r\n\r\n")[0]) == [200]

    # Bodies.
    post, before = POST, s.resident()
    chunked = lambda body: b"%x\r\n%s\r\n" % (len(body), body)
    million = b" " * 1000000
    out, closed = raw(s, post + b"Content-Length: 100000000\r\n\r\n")
    assert statuses(out) == [413] and closed and b'"code":"too_large"' in out, out  # without waiting for it
    raw(s, post + b"Content-Length: 100000000\r\n\r\n", *[million] * 100)
    out, closed = raw(s, post + b"Transfer-Encoding: chunked\r\n\r\n", *[chunked(million)] * 100, b"0\r\n\r\n")
    assert statuses(out) == [413], out[:300]
    out, closed = raw(s, post + b"Transfer-Encoding: chunked\r\n\r\n", *[chunked(million)] * 200)  # and no end
    assert statuses(out) == [] and closed, out[:300]
    exact = b'{"queries":[]}'.ljust(1 << 20)
    assert statuses(raw(s, post + b"Content-Length: 1048576\r\n\r\n" + exact)[0]) == [200]
    assert statuses(raw(s, post + b"Content-Length: 1048577\r\n\r\n" + exact)[0]) == [413]
    assert statuses(
        raw(s, post + b"Transfer-Encoding: chunked\r\n\r\n", chunked(exact[:70000]), chunked(exact[70000:]), b"0\r\n\r\n")[0]
    ) == [200]
    assert statuses(
        raw(s, post + b"Transfer-Encoding: chunked\r\n\r\n", chunked(exact), chunked(b" "), b"0\r\n\r\n")[0]
    ) == [413]
    assert statuses(
        raw(s, post + b"Content-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n" + chunked(exact[:20]) + b"0\r\n\r\n")[0]
    ) == [400]
    get = b"GET /healthz HTTP/1.1\r\nHost: localhost\r\n"
    assert statuses(raw(s, get + b"Content-Length: 5\r\n\r\nhello" + health, want=2)[0]) == [200, 200]
    assert statuses(raw(s, b"GET /nothing HTTP/1.1\r\nHost: localhost\r\nContent-Length: 5\r\n\r\nhello" + health)[0]) == [404]
    assert statuses(
        raw(s, get + b"Transfer-Encoding: chunked\r\n\r\n", *[chunked(million)] * 5, b"0\r\n\r\n")[0]
    ) == [413]
    assert raw(s, post + b"Expect: 100-continue\r\nContent-Length: 14\r\n\r\n")[0].startswith(b"HTTP/1.1 100 ")
    assert statuses(raw(s, post + b"Expect: 100-continue\r\nContent-Length: 14000000\r\n\r\n")[0]) == [413]
    sound()
    assert s.resident() < before + 20, (before, s.resident())


def check_many(s, r):
    """5,000 connections that say nothing, half of a request, or hang up in the middle; then a good request."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    n = min(5000, hard - 500)
    resource.setrlimit(resource.RLIMIT_NOFILE, (n + 400, hard))
    with contextlib.ExitStack() as stack:
        for i in range(n):
            c = stack.enter_context(s.connect())
            if i % 3 == 1:
                c.sendall(b"GET /v1/recommendations?age=25&gen")
            if i % 100 == 2:  # a hard end
                c.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")
                c.sendall(POST + b"Content-Length: 100\r\n\r\n{")
                c.close()
        until(lambda: s.metric("marquee_connections") > n * 0.98)
        start = time.monotonic()
        s.good("/v1/recommendations?age=25&gender=F&job=12")
        spent = time.monotonic() - start
        assert spent < 0.5, spent
        print(f"with {n} idle connections: {1000 * spent:.1f} ms, {s.resident():.0f} MB")
    until(lambda: s.metric("marquee_connections") < 20)
    # Who does not read what was asked for, again and again.
    with s.connect() as c:
        c.settimeout(1)
        with contextlib.suppress(TimeoutError, ConnectionError):
            for _ in range(2000):
                c.sendall((GET % b"/v1/recommendations?age=25&gender=F&job=12&k=300") * 50)
        s.good("/healthz")


def check_unread():
    """Clients that ask for large answers and do not read them: what they hold is bounded, and their bodies are freed."""
    path = os.path.join(os.getcwd(), "socket")  # whose buffer in the kernel is small
    with Server(store="R", listen=f"unix:{path}") as s:
        items = [m["id"] for m in s.good("/v1/items?k=244")["results"]]
        ask = "/v1/recommendations?k=400&include_seen=true&liked=" + ",".join(items)
        ask += "&explain=240"
        large = int(s.ask(ask, method="HEAD")[1]["Content-Length"])
        fit = (256 << 20) // large
        with contextlib.ExitStack() as stack:
            held, began = [], time.monotonic()
            for i in range(fit + 3):
                c = stack.enter_context(s.connect())
                c.sendall(GET % ask.encode())
                held.append(statuses(c.recv(15))[0])
            late = time.monotonic() - began > 25  # so that the first are cut off as idle, and leave room
            assert held == [200] * fit + [503] * 3 or (late and 503 in held[fit:]), (fit, held)
            if not late:
                assert s.bad(ask, 503, "too many answers wait")[1] == "unavailable"
            s.good("/healthz")
            s.bad("/v1/items/%", 400, "id: broken")
        until(lambda: s.ask(ask)[0] == 200)
        print(f"{fit} answers of {large >> 10} KiB at once, {s.resident('VmHWM'):.0f} MB at most")

        query = {"liked": items[:50], "k": 400, "include_seen": True, "explain": 20}
        body = json.dumps({"queries": [query]}).encode().ljust(1 << 20)
        with contextlib.ExitStack() as stack:
            held = []
            for _ in range(70):
                c = stack.enter_context(s.connect())
                c.sendall(POST + b"Content-Length: %d\r\n\r\n" % len(body) + body)
                held.append(statuses(c.recv(15))[0])
            assert held == [200] * 70, held


def check_limit():
    """Fewer connections than ask: all are answered in the end."""
    with Server("--connections", "16", "--workers", "2") as s:
        held = [s.connect() for _ in range(40)]
        answered = 0
        for c in held:
            c.sendall(GET % b"/healthz")
        while held:  # those that wait are accepted as others leave
            for c in list(held):
                c.settimeout(0.05)
                with contextlib.suppress(TimeoutError):
                    assert c.recv(1000).startswith(b"HTTP/1.1 200")
                    c.close()
                    held.remove(c)
                    answered += 1
        assert answered == 40


def main():
    with Server() as s, Server(store="R") as r:
        for check in (
            check_routes,
            check_parameters,
            check_batch,
            check_heads,
            check_chunks,
            check_patience,
            check_hosts,
            check_origins,
            check_helpers,
            check_protocol,
            check_many,
        ):
            timed(check, s, r)
        assert "WARN" not in s.log() and "ERROR" not in s.log(), s.log()
    for check in (check_unread, check_limit):
        timed(check)


main()
