# SPDX-License-Identifier: ISC
# store: keys and values in memory, as verbs: "redis-cli -p 7373 SET colour
# blue". Only one process, because each process has its own values.
#
#   service "store" {
#       handler = {"/usr/bin/perl", "/usr/share/doc/reqd/examples/store.pl"}
#       processes { min = 1  max = 1 }
#       verb = {"GET", "SET", "DEL", "KEYS"}
#       argument "key" { optional = yes }
#       argument "value" { optional = yes }
#       allow = {"local"}
#   }
use strict;
use warnings;

# ---- for every handler in Perl: serve(NAME => sub { ... }) ----
sub bulk { '$' . length($_[0]) . "\r\n$_[0]\r\n" }
sub integer { ":$_[0]\r\n" }
sub null { "_\r\n" }
sub array { '*' . @_ . "\r\n" . join '', @_ }

sub number { ($_[0] // '') =~ /^.(\d+)\r\n\z/ ? $1 : die "the input ended inside a request\n" }

sub serve {
    my %commands = (PING => sub { "+PONG\r\n" }, @_);
    open my $replies, '>&', $ENV{REQD_CHANNEL} // 1 or die "channel: $!\n";
    open STDOUT, '>&', \*STDERR;    # what is printed goes to the log
    binmode $_ for \*STDIN, $replies;
    while (defined(my $head = <STDIN>)) {
        my @words;
        for (1 .. number($head)) {
            my $size = number(scalar <STDIN>) + 2;
            read(STDIN, my $word, $size) == $size or die "the input ended inside a request\n";
            push @words, substr $word, 0, -2;
        }
        my $function = $commands{ shift @words } // sub { die "unknown command\n" };
        my $reply = eval { $function->(@words) } // "-ERR " . $@ =~ s/[\0-\x20]+/ /gr . "\r\n";
        print $replies $reply;
        $replies->flush;
    }
}
# ---- end of that part ----

my %store;

sub key { defined $_[0] ? $_[0] : die "which key?\n" }

serve(
    GET => sub { my $v = $store{ key(@_) }; defined $v ? bulk($v) : null() },
    SET => sub { my $k = key(@_); $store{$k} = $_[1] // die "which value?\n"; bulk('OK') },
    DEL => sub { integer(defined delete $store{ key(@_) } ? 1 : 0) },
    KEYS => sub { array(map { bulk($_) } sort keys %store) },
);
