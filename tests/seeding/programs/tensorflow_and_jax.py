# ruff: noqa: E402 - the environment comes first
"""Seed control and states with the real TensorFlow, Keras and JAX. Prints JSON."""

import json
import os
import random
import sys

os.environ["TF_CPP_MIN_LOG_LEVEL"] = "3"
os.environ["JAX_PLATFORMS"] = "cpu"
import reprotest
import reprotest.factors

found = {}
before = reprotest.set_seed(5)
found["announced"] = list(before.later)
first = random.random()

import jax
import keras
import tensorflow as tf

tf.random.uniform([2])
reprotest.factors.factor("tensorflow.random").pin_imported("keras", 5)  # as when Keras comes later
second_of_tensorflow = tf.random.uniform([2]).numpy().tolist()
found["imports do not start Python's random again"] = random.random() != first

reprotest.set_seed(5)
tf.random.uniform([2])
found["nor does Keras start TensorFlow's again"] = second_of_tensorflow == tf.random.uniform([2]).numpy().tolist()


def draws():
    layer = keras.layers.Dropout(0.5)
    return [
        tf.random.uniform([2]).numpy().tolist(),
        tf.random.get_global_generator().uniform([2]).numpy().tolist(),
        keras.random.normal([2]).numpy().tolist(),
        layer(tf.ones([1, 8]), training=True).numpy().tolist(),
        keras.initializers.GlorotUniform()([2, 2]).numpy().tolist(),
    ]


report = reprotest.set_seed(5)
found["report"] = [said.what for said in report.pinned]
one = draws()
two = draws()
found["goes on"] = one != two
reprotest.set_seed(5)
found["same seed"] = draws() == one
found["then the same"] = draws() == two
reprotest.set_seed(6)
found["other seed"] = draws() != one
config = sys.modules["tensorflow.python.framework.config"]
found["deterministic"] = config.is_op_determinism_enabled()

reprotest.set_seed(5, deterministic=False)
draws()
with reprotest.seeded(9):
    draws()
found["undone"] = draws() == two

reprotest.set_seed(5)
draws()
key = report.jax_key
state = json.loads(json.dumps(reprotest.RNGState.capture(jax_key=jax.random.split(key)[0]).state_dict()))
later = draws()
reprotest.set_seed(77)
draws()
again = reprotest.RNGState().load_state_dict(state)
again.restore()
found["restored"] = draws() == later == two
found["key"] = bool(jax.random.normal(key) == jax.random.normal(reprotest.set_seed(5).jax_key))
found["key restored"] = bool(jax.random.uniform(again.jax_key) == jax.random.uniform(jax.random.split(key)[0]))
raw = reprotest.RNGState.capture(jax_key=jax.random.PRNGKey(3)).jax_key
found["raw key restored"] = bool(jax.random.uniform(raw) == jax.random.uniform(jax.random.PRNGKey(3)))
print(json.dumps(found))
