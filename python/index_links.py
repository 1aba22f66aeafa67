"""Says to which hosts a package index links: `SKILLWRIGHT_PAGES` holds the addresses of its pages, as JSON.

Run confined, with the network limited to the index itself. Prints one line of JSON; what cannot be read is left out.
"""

import base64
import html.parser
import json
import netrc
import os
import ssl
import sys
import urllib.error
import urllib.parse
import urllib.request

ACCEPT = "application/vnd.pypi.simple.v1+json, text/html;q=0.1"
MOST_BYTES = 64 << 20
PORTS = {"http": 80, "https": 443}


class Anchors(html.parser.HTMLParser):
    def __init__(self):
        super().__init__()
        self.base, self.found = "", []

    def handle_starttag(self, tag, attrs):
        target = dict(attrs).get("href")
        if tag == "a" and target:
            self.found.append(target)
        elif tag == "base" and target and not self.base:
            self.base = target


def authority(address):
    """`host:port`, or None for what no package is fetched from."""
    try:
        parts = urllib.parse.urlsplit(address)
        port = parts.port or PORTS.get(parts.scheme)
    except ValueError:
        return None
    if not parts.hostname or parts.scheme not in PORTS:
        return None
    host = "[%s]" % parts.hostname if ":" in parts.hostname else parts.hostname
    return "%s:%d" % (host, port)


def request(address):
    """Credentials come from the address, else from netrc."""
    parts = urllib.parse.urlsplit(address)
    user, password = parts.username, parts.password
    if user is None and os.environ.get("NETRC"):
        try:
            entry = netrc.netrc(os.environ["NETRC"]).authenticators(parts.hostname)
            user, password = (entry[0], entry[2]) if entry else (None, None)
        except (OSError, netrc.NetrcParseError):
            pass
    bare = parts._replace(netloc=parts.netloc.rpartition("@")[2]).geturl()
    made = urllib.request.Request(bare, headers={"Accept": ACCEPT})
    if user is not None:
        pair = "%s:%s" % (urllib.parse.unquote(user), urllib.parse.unquote(password or ""))
        made.add_unredirected_header("Authorization", "Basic " + base64.b64encode(pair.encode()).decode())
    return made


def links(address):
    context = ssl.create_default_context()
    if os.environ.get("SSL_CLIENT_CERT"):
        context.load_cert_chain(os.environ["SSL_CLIENT_CERT"])
    opener = urllib.request.build_opener(urllib.request.HTTPSHandler(context=context))
    with opener.open(request(address), timeout=20) as answer:
        data = answer.read(MOST_BYTES)
        here, kind = answer.geturl(), answer.headers.get_content_type()
    if kind.endswith("json"):
        found = [file["url"] for file in json.loads(data)["files"]]
    else:
        anchors = Anchors()
        anchors.feed(data.decode("utf-8", "replace"))
        found, here = anchors.found, urllib.parse.urljoin(here, anchors.base)
    return {authority(urllib.parse.urljoin(here, link)) for link in found}


def main():
    hosts, failures = set(), []
    for address in json.loads(os.environ["SKILLWRIGHT_PAGES"]):
        try:
            hosts |= links(address)
        except Exception as error:
            if getattr(error, "code", None) == 404:
                continue  # an index need not have every package
            failures.append("%s: %s" % (type(error).__name__, error))
    json.dump({"hosts": sorted(filter(None, hosts)), "failures": failures[:5]}, sys.stdout)


main()
