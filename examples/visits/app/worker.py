"""The worker: takes visits from the queue and counts what it has processed."""
import time

from redis import Redis

redis = Redis()
print("waiting for visits", flush=True)
while True:
    try:
        job = redis.call("BRPOP", "queue", 5, wait=6.0)
        if job is not None:
            print("processed visit %s, %s in all" % (job[1], redis.call("INCR", "processed")), flush=True)
    except OSError as error:
        print("redis does not answer, trying again: %s" % error, flush=True)
        time.sleep(1)
