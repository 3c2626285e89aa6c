"""The API: counts visits in redis and leaves each for the worker."""
import json

from redis import Redis
from serve import NODE, serve

redis = Redis()


def answer(path):
    if path == "/healthz":
        return 200, "text/plain", redis.call("PING") + "\n"
    if path != "/visit":
        return 404, "text/plain", "Ask for /visit\n"
    visits = redis.call("INCR", "visits")
    redis.call("LPUSH", "queue", visits)
    processed = int(redis.call("GET", "processed") or 0)
    return 200, "application/json", json.dumps({"visits": visits, "processed": processed, "api_node": NODE})


serve(answer)
