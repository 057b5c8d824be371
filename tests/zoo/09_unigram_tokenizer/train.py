"""Train a Unigram subword model and report how it cuts the validation words."""

from tokenizers import Tokenizer, decoders, models, normalizers, pre_tokenizers
from tokenizers.trainers import UnigramTrainer

STEMS = ["trans", "inter", "under", "over", "re", "pre", "post", "anti", "micro", "hyper"]
ROOTS = ["form", "port", "act", "vent", "struct", "press", "scope", "graph", "mit", "duct"]
ENDINGS = ["", "s", "ed", "ing", "er", "able", "ation"]


def sentences():
    words = [stem + root + ending for stem in STEMS for root in ROOTS for ending in ENDINGS]
    for start in range(0, len(words), 7):
        yield " ".join(words[start : start + 7])


def main():
    tokenizer = Tokenizer(models.Unigram())
    tokenizer.normalizer = normalizers.NFKC()
    tokenizer.pre_tokenizer = pre_tokenizers.Metaspace()
    tokenizer.decoder = decoders.Metaspace()
    trainer = UnigramTrainer(
        vocab_size=90,
        unk_token="<unk>",
        special_tokens=["<pad>", "<unk>"],
        show_progress=False,
    )
    tokenizer.train_from_iterator(sentences(), trainer=trainer)

    for word in ("transporting", "hyperstructs", "postgraphable", "undervented"):
        encoding = tokenizer.encode(word)
        print(word, encoding.tokens, encoding.ids)


if __name__ == "__main__":
    main()
