"""A health check: succeeds if the URL answers."""
import http.client
import sys
from urllib.parse import urlsplit

url = urlsplit(sys.argv[1])
try:
    connection = http.client.HTTPConnection(url.hostname, url.port, timeout=2)
    connection.request("GET", url.path)
    status = connection.getresponse().status
except OSError as error:
    sys.exit("%s: %s" % (sys.argv[1], error))
sys.exit(0 if status == 200 else "%s: status %d" % (sys.argv[1], status))
