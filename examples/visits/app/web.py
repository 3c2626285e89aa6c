"""The front: asks the API to count a visit and shows the answer."""
import html
import json
import os
import urllib.request

from serve import NODE, REPLICA, serve

PAGE = """<!doctype html>
<title>Visits</title>
<style>body {{ font: 1.2rem/1.6 system-ui; margin: 4rem auto; max-width: 36rem }} b {{ font-size: 3rem }}</style>
<h1>{greeting}</h1>
<p><b>{visits}</b> visits, {processed} of them processed by the worker.</p>
<p>This page came from web replica {replica} on {node}; the API answered from {api_node}.</p>
"""


def answer(path):
    if path == "/healthz":
        return 200, "text/plain", "ok\n"
    if path != "/":
        return 404, "text/plain", "There is only one page: /\n"
    with urllib.request.urlopen("http://api:8000/visit", timeout=3) as response:
        seen = json.load(response)
    values = dict(seen, greeting=os.environ.get("GREETING", ""), replica=REPLICA, node=NODE)
    return 200, "text/html", PAGE.format(**{key: html.escape(str(value)) for key, value in values.items()})


serve(answer)
