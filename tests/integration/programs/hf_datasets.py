import random
import sys
from datasets import Dataset

data = Dataset.from_dict({"text": [f"line {i}" for i in range(50)], "label": list(range(50))})
seed = int(sys.argv[1]) if len(sys.argv) > 1 else None
split = data.map(lambda row: {"n": len(row["text"])}).shuffle(seed=seed).train_test_split(test_size=0.2, seed=1)
print(len(split["train"]))
