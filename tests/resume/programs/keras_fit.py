"""Weights alone are saved, or the whole model."""

import os
import sys

os.environ["TF_CPP_MIN_LOG_LEVEL"] = "3"
import keras
import numpy as np

keras.utils.set_random_seed(1)
x = np.random.default_rng(0).normal(size=(32, 4)).astype("float32")
layers = [keras.Input((4,)), keras.layers.Dense(8, "relu"), keras.layers.BatchNormalization(), keras.layers.Dense(1)]
model = keras.Sequential(layers)
model.compile(keras.optimizers.Adam(0.01), "mse")
if "--resume" in sys.argv and "--weights" in sys.argv:
    model.load_weights("last.weights.h5")
elif "--resume" in sys.argv:
    model = keras.models.load_model("last.keras")
epochs = (0, 1) if "--half" in sys.argv else (1, 2) if "--resume" in sys.argv else (0, 2)
model.fit(x, x.sum(1), batch_size=8, initial_epoch=epochs[0], epochs=epochs[1], shuffle=False, verbose=0)
model.save_weights("last.weights.h5")
model.save("last.keras")
