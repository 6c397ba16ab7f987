# SPDX-License-Identifier: ISC
# upper: text in capitals, a handler for "pipeline = N": it takes all requests
# that are there with one read, and sends their replies with one write.
import os


def take(data, at):
    """The words of the request at this place, and where the next one begins."""
    eol = data.index(b"\r\n", at)
    left, words, at = int(data[at + 1:eol]), [], eol + 2
    for _ in range(left):
        eol = data.index(b"\r\n", at)
        start, at = eol + 2, eol + 4 + int(data[at + 1:eol])
        words.append(data[start:at - 2])
    if at > len(data):
        raise ValueError("half a request")
    return words, at


def answer(words):
    if words == [b"PING"]:
        return b"+PONG\r\n"
    text = b" ".join(words[1:]).upper()
    return b"$%d\r\n%s\r\n" % (len(text), text)


data = b""
while more := os.read(0, 65536):
    data += more
    replies, at = [], 0
    try:
        while at < len(data):
            words, at = take(data, at)
            replies.append(answer(words))
    except ValueError:
        pass  # the rest of it is on its way
    data = data[at:]
    replies = b"".join(replies)
    while replies:
        replies = replies[os.write(1, replies):]
