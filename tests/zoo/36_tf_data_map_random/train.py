"""Noise is added in a parallel map of tf.data. The seed is set, but which element draws first is chance."""

import os

os.environ["TF_CPP_MIN_LOG_LEVEL"] = "3"
import numpy as np
import tensorflow as tf

tf.random.set_seed(7)
features = np.random.default_rng(7).normal(size=(512, 4)).astype("float32")
targets = features.sum(axis=1, keepdims=True)


def augment(x, y):
    return x + 0.1 * tf.random.normal(tf.shape(x)), y


data = tf.data.Dataset.from_tensor_slices((features, targets)).map(augment, num_parallel_calls=4).batch(64)
weights = tf.Variable(tf.zeros([4, 1]))
optimizer = tf.keras.optimizers.SGD(0.1)
for x, y in data:
    with tf.GradientTape() as tape:
        loss = tf.reduce_mean((tf.matmul(x, weights) - y) ** 2)
    optimizer.apply_gradients([(tape.gradient(loss, weights), weights)])
print(float(loss))
