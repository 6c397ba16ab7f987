#!/usr/bin/env python3
# SPDX-License-Identifier: ISC
"""A client of the Model Context Protocol in both eras, over standard input and output of
"reqctl mcp" and over HTTP; and the steps that mcp.sh makes with it."""
import base64
import http.client
import json
import os
import queue
import socket
import subprocess
import sys
import threading
import time

MODERN, LEGACY = "2026-07-28", "2025-11-25"
PATIENCE = 30 * int(os.environ.get("REQD_TEST_PATIENCE", "1"))
KEY = "io.modelcontextprotocol/"


def meta(version=MODERN):
    return {KEY + "protocolVersion": version, KEY + "clientCapabilities": {},
            KEY + "clientInfo": {"name": "mcp-client", "version": "1"}}


def same(got, wanted, what):
    if got != wanted:
        raise SystemExit(f"{what}: got {got!r}, wanted {wanted!r}")


def true(condition, what):
    if not condition:
        raise SystemExit(f"not true: {what}")


class Stdio:
    """Messages as lines; a thread sorts what comes by the id that it answers."""

    def __init__(self, *command):
        self.process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        self.answers, self.notifications, self.next_id = {}, queue.Queue(), 1
        self.changed = threading.Condition()
        self.reader = threading.Thread(target=self.read, daemon=True)
        self.reader.start()

    def read(self):
        for line in self.process.stdout:
            message = json.loads(line)
            same(message["jsonrpc"], "2.0", "jsonrpc")
            if "method" in message:
                self.notifications.put(message)
                continue
            with self.changed:
                true(message["id"] not in self.answers, "one answer for each request")
                self.answers[message["id"]] = message
                self.changed.notify_all()

    def raw(self, text):
        self.process.stdin.write(text.encode() + b"\n")
        self.process.stdin.flush()

    def send(self, method, params=None, notify=False):
        message = {"jsonrpc": "2.0", "method": method}
        if params is not None:
            message["params"] = params
        if not notify:
            message["id"] = self.next_id
            self.next_id += 1
        self.raw(json.dumps(message))
        return message.get("id")

    def wait(self, number):
        with self.changed:
            true(self.changed.wait_for(lambda: number in self.answers, PATIENCE),
                 f"an answer to {number}")
            return self.answers[number]

    def ask(self, method, params=None):
        return self.wait(self.send(method, params))

    def close(self):
        self.process.stdin.close()
        status = self.process.wait(PATIENCE)
        self.reader.join(PATIENCE)
        return status


class Http:
    """Each message is a POST; an answer is JSON, or the last of a stream of events."""

    def __init__(self, port, token=None):
        self.port, self.token, self.next_id, self.session = port, token, 1, None
        self.notifications = queue.Queue()

    def post(self, body, fields=None):
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=PATIENCE)
        head = {"Content-Type": "application/json",
                "Accept": "application/json, text/event-stream"}
        if self.token:
            head["Authorization"] = "Bearer " + self.token
        head.update(fields or {})
        connection.request("POST", "/mcp", body.encode(), head)
        return connection, connection.getresponse()

    def fields(self, message):
        params = message.get("params", {})
        version = params.get("_meta", {}).get(KEY + "protocolVersion")
        if version is None:
            return {"Mcp-Session-Id": self.session} if self.session else {}
        head = {"MCP-Protocol-Version": version, "Mcp-Method": message["method"]}
        if "name" in params:
            head["Mcp-Name"] = params["name"]
        return head

    def events(self, response):
        data = ""
        for line in response:
            line = line.decode().rstrip("\n")
            if line.startswith("data: "):
                data += line[6:]
            elif line == "" and data:
                yield json.loads(data)
                data = ""

    def send(self, method, params=None, notify=False):
        message = {"jsonrpc": "2.0", "method": method}
        if params is not None:
            message["params"] = params
        if not notify:
            message["id"] = self.next_id
            self.next_id += 1
        return self.post(json.dumps(message), self.fields(message))

    def ask(self, method, params=None):
        connection, response = self.send(method, params)
        self.status = response.status
        self.session = response.getheader("Mcp-Session-Id") or self.session
        self.type = response.getheader("Content-Type")
        if self.type != "text/event-stream":
            answer = json.loads(response.read())
            connection.close()
            return answer
        for message in self.events(response):
            if "method" not in message:
                connection.close()
                return message
            self.notifications.put(message)
        raise SystemExit("a stream has ended without an answer")


def text_of(answer):
    return "".join(item["text"] for item in answer["result"]["content"])


def tools_of(client, more):
    tools, params = [], dict(more)
    while True:
        result = client.ask("tools/list", params)["result"]
        tools += result["tools"]
        if "nextCursor" not in result:
            return tools, result
        params = dict(more, cursor=result["nextCursor"])


def check_tools(client, more):
    """The services by name, with schemas and annotations."""
    tools, _ = tools_of(client, more)
    names = [tool["name"] for tool in tools]
    same(names, sorted(names), "order of tools")
    true("hidden" not in names, "a forbidden service is no tool")
    by_name = {tool["name"]: tool for tool in tools}
    true(len(names) > 100, "several pages")
    add = by_name["add"]
    same(add["inputSchema"]["properties"]["a"]["type"], "integer", "type of a")
    same(add["inputSchema"]["required"], ["a", "b"], "required")
    same(add["inputSchema"]["additionalProperties"], False, "additionalProperties")
    same(add["annotations"], {"readOnlyHint": True}, "annotations of add")
    same(by_name["once"]["annotations"], {"idempotentHint": False}, "annotations of once")
    same(by_name["append"]["annotations"], {"readOnlyHint": False, "destructiveHint": False},
         "annotations of append")
    true("annotations" not in by_name["fail"], "no annotations where nothing is said")
    true("input_base64" in by_name["count"]["inputSchema"]["properties"], "input as bytes")
    try:
        import jsonschema
    except ImportError:
        return
    for tool in tools:
        jsonschema.Draft202012Validator.check_schema(tool["inputSchema"])
    jsonschema.validate({"a": 1, "b": 2}, add["inputSchema"], jsonschema.Draft202012Validator)


def check_calls(client, more):
    def call(name, arguments=None):
        return client.ask("tools/call", dict(more, name=name, arguments=arguments or {}))

    answer = call("add", {"a": 40, "b": 2})
    same(text_of(answer), "42\n", "add")
    true("isError" not in answer["result"], "success")
    same(answer["result"]["_meta"]["reqd/exit"], 0, "exit in _meta")
    true(len(answer["result"]["_meta"]["reqd/id"]) == 16, "id in _meta")
    answer = call("add", {"a": "x", "b": 2})
    true(answer["result"]["isError"], "a wrong argument is an error of the tool")
    true("argument 'a'" in text_of(answer) and "Nothing ran" in text_of(answer), "words about it")
    answer = call("add", {"a": 1, "b": 2, "c": 3})
    true(answer["result"]["isError"], "an argument too many")
    answer = call("add", {"a": {}, "b": 2})
    true(answer["result"]["isError"], "an object is no value")
    answer = call("fail")
    true(answer["result"]["isError"] and "exit status 3" in text_of(answer) and
         "went wrong" in text_of(answer), "a failure has exit status and standard error")
    same(answer["result"]["_meta"]["reqd/exit"], 3, "exit of the failure")
    for name in ("hidden", "no-such", "../x", ""):
        answer = call(name)
        same(answer["error"]["code"], -32602, f"unknown tool {name!r}")
    same(text_of(call("words", {"w": ["a b", "c"]})), "a b\nc\n", "a repeated argument")
    data = bytes(range(256)) * 3
    same(text_of(call("count", {"input_base64": base64.b64encode(data).decode()})).strip(), "768",
         "bytes as input")
    same(text_of(call("count", {"input": "hallo"})).strip(), "5", "text as input")
    true(call("count", {"input": "a", "input_base64": "YQ=="})["result"]["isError"], "two inputs")
    same(text_of(call("once")), "ran\n", "a service that needs an id")
    answer = call("big")
    true("not whole" in text_of(answer) and len(text_of(answer)) < 300000, "a long output is cut")
    same(client.ask("tools/call", dict(more, name=7))["error"]["code"], -32602, "a name of no text")
    same(client.ask("tools/call", dict(more, name="add", arguments=[]))["error"]["code"], -32602,
         "arguments of no object")
    same(client.ask("tools/list", dict(more, cursor=7))["error"]["code"], -32602, "a wrong cursor")


def check_progress(client, more):
    key = dict(more.get("_meta", {}), progressToken="p1")
    answer = client.ask("tools/call", dict(more, _meta=key, name="steps"))
    same(text_of(answer), "done\n", "steps")
    seen = []
    while not client.notifications.empty():
        message = client.notifications.get()
        same(message["method"], "notifications/progress", "a notification")
        same(message["params"]["progressToken"], "p1", "its token")
        seen.append((message["params"]["progress"], message["params"].get("total"),
                     message["params"].get("message")))
    same(seen, [(1, 3, "one"), (2, 3, "two"), (3, 3, "three")], "progress")
    client.ask("tools/call", dict(more, name="steps"))
    true(client.notifications.empty(), "no progress without a token")


def stdio(reqctl, server):
    for more in ({}, {"_meta": meta()}):
        client = Stdio(reqctl, "-s", server, "mcp")
        if more:
            result = client.ask("server/discover", more)["result"]
            true(MODERN in result["supportedVersions"] and "tools" in result["capabilities"],
                 "discover")
            same(client.ask("initialize", more)["error"]["code"], -32601, "initialize is of the past")
            same(client.ask("tools/list", {"_meta": meta("1999-01-01")})["error"]["code"], -32022,
                 "an unknown version")
            number = client.send("subscriptions/listen",
                                 dict(more, notifications={"toolsListChanged": True}))
            message = client.notifications.get(timeout=PATIENCE)
            same(message["params"]["_meta"][KEY + "subscriptionId"], number, "listening")
        else:
            result = client.ask("initialize", {"protocolVersion": "2025-06-18", "capabilities": {},
                                               "clientInfo": {"name": "x", "version": "1"}})["result"]
            same(result["protocolVersion"], "2025-06-18", "version")
            client.send("notifications/initialized", notify=True)
            same(client.ask("ping")["result"], {}, "ping")
        check_tools(client, more)
        check_calls(client, more)
        check_progress(client, more)
        client.raw("{")
        same(client.wait(None)["error"]["code"], -32700, "no JSON")
        same(client.close(), 0, "exit status")


def offers(reqctl, server):
    """--only and --read-only hide tools from the list and from calls."""
    client = Stdio(reqctl, "-s", server, "mcp", "--only", "a*", "--only", "fail")
    names = [tool["name"] for tool in tools_of(client, {})[0]]
    same(names, ["add", "append", "fail"], "--only")
    same(client.ask("tools/call", {"name": "steps"})["error"]["code"], -32602, "a call beside --only")
    same(client.close(), 0, "exit status")
    client = Stdio(reqctl, "-s", server, "mcp", "--read-only")
    same([tool["name"] for tool in tools_of(client, {})[0]], ["add", "count"], "--read-only")
    same(client.ask("tools/call", {"name": "fail"})["error"]["code"], -32602, "a call that changes")
    same(client.close(), 0, "exit status")


def cancels(reqctl, server, mark):
    """A cancelled call ends, answers nothing, and others go on; the end of input ends all."""
    client = Stdio(reqctl, "-s", server, "mcp")
    first = client.send("tools/call", {"name": "sleep"})
    second = client.send("tools/call", {"name": "sleep"})
    wait_for(lambda: lines(mark) == 2, "two that sleep")
    client.send("notifications/cancelled", {"requestId": 999}, notify=True)
    client.send("notifications/cancelled", {"requestId": first}, notify=True)
    wait_for(lambda: lines(mark + ".gone") == 1, "one that is gone")
    same(text_of(client.ask("tools/call", {"name": "add", "arguments": {"a": 1, "b": 1}})), "2\n",
         "a call beside")
    true(first not in client.answers and second not in client.answers, "no answer")
    same(client.close(), 0, "exit status")
    wait_for(lambda: lines(mark + ".gone") == 2, "both are gone")


def parallel(reqctl, server):
    client = Stdio(reqctl, "-s", server, "mcp")
    numbers = [client.send("tools/call", {"name": "add", "arguments": {"a": i, "b": 1}})
               for i in range(50)]
    for i, number in enumerate(numbers):
        same(text_of(client.wait(number)), f"{i + 1}\n", "an answer of many")
    same(client.close(), 0, "exit status")


def hostile(reqctl, server):
    """Whatever comes, each request has one answer, and the next one is served."""
    client = Stdio(reqctl, "-s", server, "mcp")
    for text in ("[]", "7", "null", "{}", '{"jsonrpc":"2.0"}', '{"jsonrpc":"2.0","id":{},"method":"ping"}',
                 "\x00", '{"jsonrpc":"2.0","id":1,"id":2,"method":"ping"}', "[" * 5000, "x" * 9000000):
        with client.changed:
            client.answers.pop(None, None)
        client.raw(text)
        true("error" in client.wait(None), "an error")
    client.raw("")
    client.raw('{"jsonrpc":"2.0","id":77,"result":{}}')
    client.next_id = 100
    same(client.ask("ping")["result"], {}, "ping behind all that")
    true(77 not in client.answers, "an answer is not answered")
    same(client.close(), 0, "exit status")
    # A server that is not there is an error of the request, not the end.
    client = Stdio(reqctl, "-q", "-s", "unix:///no/such", "mcp")
    same(client.ask("ping")["result"], {}, "ping without a server")
    same(client.ask("tools/list")["error"]["code"], -32603, "no server")
    same(client.ask("tools/call", {"name": "add"})["error"]["code"], -32603, "no server")
    same(client.close(), 0, "exit status")


def frozen(reqctl, _, path):
    """A server that answers nothing but the first question does not keep reqctl for ever."""
    with socket.socket(socket.AF_UNIX) as server:
        server.bind(path)
        server.listen()
        line = json.dumps({"jsonrpc": "2.0", "id": 1, "method": "tools/list"}) + "\n"
        client = subprocess.Popen([reqctl, "-s", "unix://" + path, "mcp"],
                                  stdin=subprocess.PIPE, stdout=subprocess.DEVNULL)
        client.stdin.write(line.encode())
        client.stdin.close()
        connection, _ = server.accept()
        with connection:
            connection.recv(4096)
            connection.sendall(b"%2\r\n$6\r\nserver\r\n$4\r\nreqd\r\n$5\r\nproto\r\n:3\r\n")
            same(b"SERVICES" in connection.recv(4096), True, "the second question")
            same(client.wait(), 0, "reqctl's end")


def lines(path):
    try:
        with open(path, encoding="ascii") as file:
            return len(file.readlines())
    except FileNotFoundError:
        return 0


def wait_for(condition, what):
    end = time.monotonic() + PATIENCE
    while not condition():
        true(time.monotonic() < end, what)
        time.sleep(0.02)


# ---------------------------------------------------------------- HTTP ---

def over_http(port):
    client = Http(port)
    result = client.ask("initialize", {"protocolVersion": LEGACY, "capabilities": {},
                                       "clientInfo": {"name": "x", "version": "1"}})["result"]
    same(result["protocolVersion"], LEGACY, "version")
    true(client.session and len(client.session) >= 32, "a session")
    connection, response = client.send("notifications/initialized", notify=True)
    same((response.status, response.read()), (202, b""), "a notification")
    connection.close()
    same(client.ask("ping")["result"], {}, "ping")
    check_tools(client, {})
    check_calls(client, {})
    check_progress(client, {})
    same(client.ask("resources/list")["error"]["code"], -32601, "an unknown method")
    same(client.status, 200, "its status")
    client = Http(port)
    more = {"_meta": meta()}
    true(MODERN in client.ask("server/discover", more)["result"]["supportedVersions"], "discover")
    check_tools(client, more)
    check_calls(client, more)
    check_progress(client, more)
    same(client.ask("initialize", more)["error"]["code"], -32601, "initialize is of the past")
    same(client.status, 404, "its status")
    same(client.ask("tools/list", {"_meta": meta("1999-01-01")})["error"]["code"], -32022, "a version")
    same(client.status, 400, "its status")


def refusals(port):
    client = Http(port)
    call = {"jsonrpc": "2.0", "id": 1, "method": "tools/call",
            "params": {"name": "add", "arguments": {"a": 1, "b": 1}, "_meta": meta()}}
    good = client.fields(call)

    def code_of(body, fields):
        connection, response = client.post(body, fields)
        answer = json.loads(response.read())
        connection.close()
        return response.status, answer.get("error", {}).get("code")

    text = json.dumps(call)
    same(code_of(text, good), (200, None), "the good one")
    for name in good:
        same(code_of(text, {k: v for k, v in good.items() if k != name}), (400, -32020), name)
        same(code_of(text, dict(good, **{name: "x"})), (400, -32020), name)
    encoded = "=?base64?" + base64.b64encode(b"add").decode() + "?="
    same(code_of(text, dict(good, **{"Mcp-Name": encoded})), (200, None), "a name in Base64")
    same(code_of("{", {}), (400, -32700), "no JSON")
    for chunked in (False, True):
        connection = http.client.HTTPConnection("127.0.0.1", port, timeout=PATIENCE)
        long = b"[" + b"0," * 600000 + b"0]"
        body = iter([long[i:i + 50000] for i in range(0, len(long), 50000)]) if chunked else long
        try:
            connection.request("POST", "/mcp", body, {"Content-Type": "application/json"},
                               encode_chunked=chunked)
        except (BrokenPipeError, ConnectionResetError):
            pass    # the refusal may come before the whole body is sent
        same(connection.getresponse().status, 413, "a long message")
        connection.close()
    same(code_of("[]", {}), (400, -32600), "a batch")
    for fields, status in (({"Content-Type": "text/plain"}, 415), ({"Origin": "http://evil.example"}, 403),
                           ({"Host": "evil.example"}, 421), ({"Content-Encoding": "gzip"}, 415),
                           ({"Authorization": "Bearer wrong"}, 401)):
        connection, response = client.post(text, dict(good, **fields))
        same(response.status, status, f"{fields}")
        connection.close()
    for method in ("GET", "DELETE", "PUT"):
        connection = http.client.HTTPConnection("127.0.0.1", port, timeout=PATIENCE)
        connection.request(method, "/mcp")
        response = connection.getresponse()
        same((response.status, response.getheader("Allow")), (405, "POST, OPTIONS"), method)
        connection.close()


def cancels_http(port, mark):
    """Closing the answer cancels; so does a notification of the era before, from anywhere."""
    client = Http(port)
    body = json.dumps({"jsonrpc": "2.0", "id": 5, "method": "tools/call", "params": {"name": "sleep"}})
    raw = socket.create_connection(("127.0.0.1", port))
    raw.sendall(f"POST /mcp HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\nContent-Type: application/json\r\n"
                f"Content-Length: {len(body)}\r\n\r\n{body}".encode())
    wait_for(lambda: lines(mark) == 1, "one that sleeps")
    raw.close()
    wait_for(lambda: lines(mark + ".gone") == 1, "one that is gone")
    client.ask("initialize", {"protocolVersion": LEGACY})
    client.next_id = 41
    answer = queue.Queue()
    thread = threading.Thread(target=lambda: answer.put(client.ask("tools/call", {"name": "sleep"})))
    thread.start()
    wait_for(lambda: lines(mark) == 2, "one more that sleeps")
    other = Http(port)
    other.session = client.session
    connection, response = other.send("notifications/cancelled", {"requestId": 41}, notify=True)
    same(response.status, 202, "a notification")
    connection.close()
    thread.join(PATIENCE)
    true(answer.get(timeout=PATIENCE)["result"]["isError"], "a cancelled call")
    wait_for(lambda: lines(mark + ".gone") == 2, "both are gone")


def slow_http(port):
    """A call without progress becomes a stream when it takes long."""
    client = Http(port)
    answer = client.ask("tools/call", {"name": "slow"})
    same((client.type, text_of(answer)), ("text/event-stream", "late\n"), "a slow call")


def listens(port, ready):
    """The list has changed: told to a listener at a reload."""
    client = Http(port)
    connection, response = client.send("subscriptions/listen", {
        "_meta": meta(), "notifications": {"toolsListChanged": True}})
    same(response.getheader("Content-Type"), "text/event-stream", "a stream")
    events = client.events(response)
    first = next(events)
    same(first["method"], "notifications/subscriptions/acknowledged", "the first message")
    same(first["params"]["notifications"], {"toolsListChanged": True}, "what is told")
    open(ready, "w").close()
    second = next(events)
    same(second["method"], "notifications/tools/list_changed", "the second message")
    same(second["params"]["_meta"][KEY + "subscriptionId"], 1, "its subscription")
    open(ready + ".told", "w").close()
    last = next(events)
    same(last["result"]["resultType"], "complete", "the end")
    connection.close()


ON_STDIO = {"stdio": stdio, "offers": offers, "cancels": cancels, "parallel": parallel,
            "hostile": hostile, "frozen": frozen}
ON_HTTP = {"http": over_http, "refusals": refusals, "cancels-http": cancels_http,
           "slow": slow_http, "listens": listens}

if __name__ == "__main__":
    if sys.argv[1] in ON_STDIO:
        ON_STDIO[sys.argv[1]](*sys.argv[2:])
    else:
        ON_HTTP[sys.argv[1]](int(sys.argv[2]), *sys.argv[3:])
