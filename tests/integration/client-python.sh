#!/bin/sh
# SPDX-License-Identifier: ISC
# python3-redis works: replies, errors as exceptions, pipelines, bytes.
. "${srcdir:-.}/tests/integration/lib.sh"
/usr/bin/python3 -c 'import redis' 2>/dev/null || skip "python3-redis is not installed"
client_services
start_reqd

python() {
	timeout 60 /usr/bin/python3 - "$port" "$dir/reqd.sock" <<'END'
import sys, redis

every_byte = bytes(range(256)) * 100
for r in redis.Redis("127.0.0.1", int(sys.argv[1])), redis.Redis(unix_socket_path=sys.argv[2]):
    assert r.ping()
    assert r.echo(every_byte) == every_byte
    assert r.execute_command("CALL", "echo", "hi", "there") == b"hi there\n"
    assert r.execute_command("CALL", "--stdin", "cat", every_byte) == every_byte
    assert r.info()["redis_mode"] == "standalone"
    assert r.client_setname("tester") and r.client_getname() == "tester"
    assert isinstance(r.client_id(), int)

    try:
        r.execute_command("CALL", "fail")
        sys.exit("no exception")
    except redis.ResponseError as e:
        assert str(e) == "EXIT 3 broken", e
    full = r.execute_command("CALL", "--full", "fail")
    full = dict(zip(full[::2], full[1::2]))
    assert full[b"status"] == 3 and full[b"stderr"] == b"broken\n", full

    p = r.pipeline(transaction=False)
    for i in range(200):
        p.execute_command("CALL", "echo", str(i))
        p.execute_command("CALL", "fail")
    replies = p.execute(raise_on_error=False)
    assert replies[::2] == [b"%d\n" % i for i in range(200)]
    assert all(isinstance(e, redis.ResponseError) for e in replies[1::2])
END
}

step "python3-redis" python
finish
