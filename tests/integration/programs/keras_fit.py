import keras
import numpy as np

keras.utils.set_random_seed(1)
rng = np.random.default_rng(1)
x = rng.normal(size=(48, 8)).astype("float32")
y = x[:, :1] * 2
model = keras.Sequential(
    [
        keras.Input((8,)),
        keras.layers.Dense(8, activation="relu"),
        keras.layers.BatchNormalization(),
        keras.layers.Dropout(0.2),
        keras.layers.Dense(1),
    ]
)
model.compile(optimizer="adam", loss="mse", jit_compile=False)
model.fit(x, y, batch_size=16, epochs=1, verbose=0)
model.train_on_batch(x[:16], y[:16])
model.evaluate(x, y, verbose=0)
