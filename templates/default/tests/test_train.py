from my_training.train import train


def test_training_learns():
    assert train(steps=50) < train(steps=1)
