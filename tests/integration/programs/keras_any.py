"""Two epochs of two batches, on whichever backend Keras has."""

import argparse

import keras
import numpy as np

parser = argparse.ArgumentParser()
parser.add_argument("--seed", type=int)
seed = parser.parse_args().seed
if seed is not None:
    keras.utils.set_random_seed(seed)

rng = np.random.default_rng(0)
x = rng.normal(size=(64, 8)).astype("float32")
y = (x.sum(1) > 0).astype("float32")
layers = [keras.Input((8,)), keras.layers.Dense(16, "relu"), keras.layers.Dropout(0.2), keras.layers.Dense(1, "sigmoid")]
model = keras.Sequential(layers)
model.compile("adam", "binary_crossentropy")
model.fit(x, y, epochs=2, batch_size=32, verbose=0, shuffle=False)
