#!/bin/sh
# SPDX-License-Identifier: ISC
# Ruby's redis works: replies, errors as exceptions, pipelines, bytes.
. "${srcdir:-.}/tests/integration/lib.sh"
ruby -e 'require "redis"' 2>/dev/null || skip "ruby-redis is not installed"
client_services
start_reqd

ruby_client() {
	timeout 60 ruby - "$port" <<'END'
require "redis"

r = Redis.new(host: "127.0.0.1", port: ARGV[0].to_i)
raise "ping" unless r.ping == "PONG"
raise "echo" unless r.call("CALL", "echo", "hi", "there") == "hi there\n"
bytes = (0..255).to_a.pack("C*") * 100
raise "bytes" unless r.call("CALL", "--stdin", "cat", bytes).b == bytes
begin
  r.call("CALL", "fail")
  raise "no error"
rescue Redis::CommandError => e
  # Later versions of the library put the URL of the server behind the reply.
  raise e unless e.message.sub(/ \(redis:[^)]*\)\z/, "") == "EXIT 3 broken"
end
replies = r.pipelined { |p| 200.times { |i| p.call("CALL", "echo", i.to_s) } }
raise "pipeline" unless replies == (0...200).map { |i| "#{i}\n" }
r.quit
END
}

step "Ruby's redis" ruby_client
finish
