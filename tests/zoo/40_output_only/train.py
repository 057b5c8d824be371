"""Hand-written k-nearest-neighbours evaluation; nothing but the standard library, all results printed."""

import getpass
import math
import os
import random
import socket
import tempfile
import time
import uuid

started = time.time()
scratch = tempfile.TemporaryDirectory()
random.seed(0)
points = [(random.gauss(0, 1), random.gauss(0, 1)) for _ in range(300)]
labels = [int(math.hypot(x, y) > 1.1) for x, y in points]


def predict(query, k):
    nearest = sorted(range(200), key=lambda i: (math.dist(points[i], query), i))[:k]
    return int(sum(labels[i] for i in nearest) * 2 > k)


print(f"=== run {uuid.uuid4()} started {time.strftime('%Y-%m-%d %H:%M:%S')} ===")
print(f"user {getpass.getuser()}@{socket.gethostname()} pid {os.getpid()} scratch {scratch.name}")
for k in (1, 3, 5, 9):
    tick = time.perf_counter()
    correct = sum(predict(points[i], k) == labels[i] for i in range(200, 300))
    print(f"k={k} accuracy={correct / 100:.2f} time={time.perf_counter() - tick:.3f}s")
print(f"elapsed: {time.time() - started:.2f} seconds, finished at {time.ctime()}")
print("model object:", predict)
