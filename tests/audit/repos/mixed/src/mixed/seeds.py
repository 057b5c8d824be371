import numpy as np
import tensorflow as tf


def set_all(seed):
    np.random.seed(seed)
    tf.random.set_seed(seed)
