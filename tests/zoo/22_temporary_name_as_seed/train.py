import tempfile, os, zlib
d = tempfile.mkdtemp()
seed = zlib.crc32(d.encode())
import random
random.seed(seed)
w = [random.random() for _ in range(3)]
os.rmdir(d)
print("w", w)
