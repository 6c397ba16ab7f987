# SPDX-License-Identifier: ISC
# sentiment: tells whether a text is friendly; a function of Python as a service, with
# python3-reqd. Its configuration: python3 -m reqd --conf sentiment.py
import re

import reqd

words = {}


@reqd.startup
def load():
    words.update(dict.fromkeys("good great love fine thanks".split(), 1))
    words.update(dict.fromkeys("bad awful hate broken".split(), -1))


@reqd.service
def sentiment(text: str, limit: int = 5) -> dict:
    """Tells whether a text is friendly.

    Args:
        text: what somebody wrote
        limit: how many of the words that counted are listed
    """
    found = [w for w in re.findall(r"\w+", text.lower()) if w in words]
    return {"score": sum(words[w] for w in found), "words": found[:limit]}


reqd.serve()
