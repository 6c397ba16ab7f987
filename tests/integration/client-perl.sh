#!/bin/sh
# SPDX-License-Identifier: ISC
# Perl's Redis module works: replies, errors, pipelines, bytes.
. "${srcdir:-.}/tests/integration/lib.sh"
perl -MRedis -e 1 2>/dev/null || skip "libredis-perl is not installed"
client_services
start_reqd

perl_client() {
	timeout 60 perl - "$port" <<'END'
use strict;
use warnings;
use Redis;

my $r = Redis->new(server => "127.0.0.1:$ARGV[0]", encoding => undef);
$r->ping eq 'PONG' or die 'ping';
$r->__std_cmd('call', 'echo', 'hi', 'there') eq "hi there\n" or die 'echo';
my $bytes = join('', map { chr } 0 .. 255) x 100;
$r->__std_cmd('call', '--stdin', 'cat', $bytes) eq $bytes or die 'bytes';
eval { $r->__std_cmd('call', 'fail'); 1 } and die 'no error';
$@ =~ /EXIT 3 broken/ or die $@;

my @got;
for my $i (1 .. 200) {
    $r->__std_cmd('call', 'echo', $i, sub { push @got, $_[0] });
}
$r->wait_all_responses;
join('', @got) eq join('', map { "$_\n" } 1 .. 200) or die 'pipeline';
$r->quit;
END
}

step "Perl's Redis" perl_client
finish
