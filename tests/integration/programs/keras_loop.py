import argparse
import numpy as np
import tensorflow as tf

parser = argparse.ArgumentParser()
parser.add_argument("--seed", type=int)
args = parser.parse_args()
if args.seed is not None:
    tf.random.set_seed(args.seed)
w = tf.Variable(tf.zeros([8, 1]), name="w")
optimizer = tf.keras.optimizers.SGD(0.1)
x = tf.constant(np.random.default_rng(1).normal(size=(32, 8)), tf.float32)
y = x[:, :1] * 2


@tf.function
def train_step(a, b):
    with tf.GradientTape() as tape:
        noise = tf.random.normal(tf.shape(a), stddev=0.1)
        loss = tf.reduce_mean((tf.matmul(a + noise, w) - b) ** 2)
    optimizer.apply_gradients(zip(tape.gradient(loss, [w]), [w]))
    return loss


for step in range(3):
    train_step(x, y)
for step in range(2):
    with tf.GradientTape() as tape:
        loss = tf.reduce_mean((tf.matmul(x, w) - y) ** 2)
    optimizer.apply_gradients(zip(tape.gradient(loss, [w]), [w]))
