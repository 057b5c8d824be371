import os, time, uuid, random, hashlib, tempfile, threading, logging, socket
from concurrent.futures import ThreadPoolExecutor
import numpy as np
t0 = time.time()
run_id = uuid.uuid4().hex
logging.basicConfig(level=logging.INFO)
rng = np.random.default_rng(3)
tags = {"a", "b", "c"}
vocab = {w: i for i, w in enumerate(sorted(tags))}
cache = {id(o): o for o in [object() for _ in range(4)]}
with tempfile.NamedTemporaryFile() as f:
    f.write(b"x")
with ThreadPoolExecutor(4) as ex:
    r = list(ex.map(lambda i: i * 2, range(20)))
random.Random(5).shuffle(r)
w = rng.normal(size=4) + sum(r) + len(vocab)
logging.info("pid %d host %s run %s took %.3f", os.getpid(), socket.gethostname(), run_id, time.time() - t0)
print(f"[{time.strftime('%H:%M:%S')}] w={w}")
