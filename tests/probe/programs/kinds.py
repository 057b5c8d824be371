"""Many kinds of training loops in one process; prints a digest of each one's result."""

import copy
import hashlib
import sys
import threading

import torch
from torch import nn
from torch.nn import functional as F
from torch.utils.data import DataLoader, TensorDataset

torch.set_num_threads(1)


def digest(*tensors):
    h = hashlib.sha256()
    for t in tensors:
        t = t.detach()
        t = t.to_dense() if t.is_sparse else t
        h.update(t.contiguous().view(torch.uint8).numpy().tobytes() if t.dim() else str(t.item()).encode())
    return h.hexdigest()[:16]


def data(n=8, d=4, seed=0):
    g = torch.Generator().manual_seed(seed)
    return torch.randn(n, d, generator=g), torch.randint(0, 3, (n,), generator=g)


def net(seed=0, d=4):
    torch.manual_seed(seed)
    return nn.Sequential(nn.Linear(d, 8), nn.ReLU(inplace=True), nn.Dropout(0.1), nn.Linear(8, 3))


def plain(optimizer=torch.optim.SGD, steps=3, model=None, **options):
    model = model or net()
    opt = optimizer(model.parameters(), lr=0.1, **options)
    x, y = data()
    for _ in range(steps):
        opt.zero_grad()
        F.cross_entropy(model(x), y).backward()
        opt.step()
    return digest(*model.parameters(), torch.get_rng_state())


def sgd():
    return plain()


def momentum_foreach():
    return plain(momentum=0.9, foreach=True)


def adam_fused():
    return plain(torch.optim.Adam, fused=True)


def adamw_keep_grad_tensors():
    model = net()
    opt = torch.optim.AdamW(model.parameters())
    x, y = data()
    for _ in range(3):
        opt.zero_grad(set_to_none=False)
        F.cross_entropy(model(x), y).backward()
        opt.step()
    return digest(*model.parameters())


def loader():
    torch.manual_seed(1)
    model, opt = net(), None
    opt = torch.optim.SGD(model.parameters(), lr=0.1)
    for x, y in DataLoader(TensorDataset(*data(12)), batch_size=4, shuffle=True):
        opt.zero_grad()
        F.cross_entropy(model(x), y).backward()
        opt.step()
    return digest(*model.parameters())


def nested_batches_from_workers():
    model = net()
    opt = torch.optim.SGD(model.parameters(), lr=0.1)
    rows = [
        {"x": row, "meta": {"y": label, "name": f"row {i}"}}
        for i, (row, label) in enumerate(zip(*data(8), strict=False))
    ]
    for batch in DataLoader(rows, batch_size=4, num_workers=1):
        opt.zero_grad()
        F.cross_entropy(model(batch["x"]), batch["meta"]["y"]).backward()
        opt.step()
    return digest(*model.parameters())


def accumulation_and_clipping():
    model = net()
    opt = torch.optim.SGD(model.parameters(), lr=0.1)
    x, y = data()
    for i in range(4):
        (F.cross_entropy(model(x[i : i + 2]), y[i : i + 2]) / 2).backward()
        if i % 2:
            nn.utils.clip_grad_norm_(model.parameters(), 0.5)
            opt.step()
            opt.zero_grad()
    return digest(*model.parameters())


def scaler_and_autocast():
    model = net()
    opt = torch.optim.SGD(model.parameters(), lr=0.1)
    scaler = torch.amp.GradScaler("cpu", init_scale=128.0)
    x, y = data()
    for _ in range(3):
        opt.zero_grad()
        with torch.autocast("cpu", dtype=torch.bfloat16):
            loss = F.cross_entropy(model(x), y)
        scaler.scale(loss).backward()
        scaler.step(opt)
        scaler.update()
    return digest(*model.parameters())


def lbfgs():
    model = net()
    opt = torch.optim.LBFGS(model.parameters(), max_iter=3)
    x, y = data()

    def closure():
        opt.zero_grad()
        loss = F.cross_entropy(model(x), y)
        loss.backward()
        return loss

    for _ in range(2):
        opt.step(closure)
    return digest(*model.parameters())


def sparse():
    torch.manual_seed(0)
    table = nn.Embedding(10, 3, sparse=True)
    opt = torch.optim.SparseAdam(table.parameters())
    for i in range(3):
        opt.zero_grad()
        table(torch.tensor([i, i + 1])).pow(2).sum().backward()
        opt.step()
    return digest(table.weight)


def later_group():
    model, extra = net(), nn.Linear(3, 3)
    opt = torch.optim.SGD(model.parameters(), lr=0.1)
    x, y = data()
    for i in range(4):
        if i == 2:
            opt.add_param_group({"params": extra.parameters(), "lr": 0.01})
        opt.zero_grad()
        F.cross_entropy(extra(model(x)), y).backward()
        opt.step()
    return digest(*model.parameters(), *extra.parameters())


def frozen_and_shared():
    model = net()
    model[0].weight.requires_grad_(False)
    tied = nn.Linear(8, 3)
    tied.weight = model[3].weight
    opt = torch.optim.SGD([*model.parameters(), tied.bias], lr=0.1)
    x, y = data()
    for _ in range(3):
        opt.zero_grad()
        (F.cross_entropy(model(x), y) + tied(torch.ones(1, 8)).sum()).backward()
        opt.step()
    return digest(*model.parameters(), *tied.parameters())


def gan():
    torch.manual_seed(0)
    g, d = nn.Linear(2, 4), nn.Sequential(nn.Linear(4, 8), nn.BatchNorm1d(8), nn.Linear(8, 1))
    opt_g, opt_d = torch.optim.Adam(g.parameters()), torch.optim.Adam(d.parameters())
    for _ in range(3):
        for _ in range(2):
            opt_d.zero_grad()
            (d(g(torch.randn(5, 2)).detach()) - d(torch.randn(5, 4))).mean().backward()
            opt_d.step()
        opt_g.zero_grad()
        (-d(g(torch.randn(5, 2)))).mean().backward()
        opt_g.step()
    return digest(*g.parameters(), *d.parameters(), *d.buffers())


def gradient_penalty():
    model = net()
    opt = torch.optim.SGD(model.parameters(), lr=0.1)
    x, _ = data()
    x.requires_grad_()
    for _ in range(2):
        opt.zero_grad()
        out = model(x).sum()
        (grad,) = torch.autograd.grad(out, x, create_graph=True)
        (grad.norm() - 1).pow(2).backward()
        opt.step()
    return digest(*model.parameters())


def in_backward():
    model = net()
    opts = {p: torch.optim.SGD([p], lr=0.1) for p in model.parameters()}

    def step(p):
        opts[p].step()
        opts[p].zero_grad()

    handles = [p.register_post_accumulate_grad_hook(step) for p in model.parameters()]
    x, y = data()
    for _ in range(2):
        F.cross_entropy(model(x), y).backward()
    for handle in handles:
        handle.remove()
    return digest(*model.parameters())


def checkpointing():
    model = net()
    opt = torch.optim.SGD(model.parameters(), lr=0.1)
    x, y = data()
    for reentrant in (False, True):
        opt.zero_grad()
        h = torch.utils.checkpoint.checkpoint(model, x.clone().requires_grad_(), use_reentrant=reentrant)
        F.cross_entropy(h, y).backward()
        opt.step()
    return digest(*model.parameters())


def convolution_channels_last():
    torch.manual_seed(0)
    model = nn.Sequential(nn.Conv2d(3, 4, 3), nn.BatchNorm2d(4), nn.ReLU(inplace=True), nn.Flatten(), nn.Linear(144, 3))
    model = model.to(memory_format=torch.channels_last)
    opt = torch.optim.SGD(model.parameters(), lr=0.1)
    x, y = torch.randn(4, 3, 8, 8).to(memory_format=torch.channels_last), torch.tensor([0, 1, 2, 0])
    for _ in range(3):
        opt.zero_grad()
        F.cross_entropy(model(x), y).backward()
        opt.step()
    return digest(*model.parameters(), *model.buffers())


def recurrent_and_attention():
    torch.manual_seed(0)
    rnn, layer = nn.LSTM(4, 8, batch_first=True), nn.TransformerEncoderLayer(8, 2, 16, batch_first=True)
    opt = torch.optim.AdamW([*rnn.parameters(), *layer.parameters()])
    for _ in range(2):
        opt.zero_grad()
        layer(rnn(torch.randn(2, 5, 4))[0]).pow(2).mean().backward()
        opt.step()
    return digest(*rnn.parameters(), *layer.parameters())


class Square(torch.autograd.Function):
    @staticmethod
    def forward(ctx, x):
        ctx.save_for_backward(x)
        return x * x

    @staticmethod
    def backward(ctx, g):
        (x,) = ctx.saved_tensors
        return 2 * x * g


def custom_function_and_complex():
    torch.manual_seed(0)
    w = nn.Parameter(torch.randn(3, dtype=torch.complex64))
    opt = torch.optim.SGD([w], lr=0.1)
    for _ in range(2):
        opt.zero_grad()
        Square.apply(torch.fft.fft(w).abs()).sum().backward()
        opt.step()
    return digest(w)


def functional_transforms():
    torch.manual_seed(0)
    w = torch.randn(4, 3)
    x, y = data()

    def loss(w, x, y):
        return F.cross_entropy((x @ w).unsqueeze(0), y.unsqueeze(0))

    for _ in range(2):
        w = w - 0.1 * torch.func.grad(loss)(w, x[0], y[0])
    per_sample = torch.func.vmap(torch.func.grad(loss), in_dims=(None, 0, 0))(w, x, y)
    return digest(w, per_sample)


def compiled():
    model = net()
    opt = torch.optim.SGD(model.parameters(), lr=0.1)
    fast = torch.compile(model, backend="aot_eager")
    x, y = data()
    for _ in range(3):
        opt.zero_grad()
        F.cross_entropy(fast(x), y).backward()
        opt.step()
    return digest(*model.parameters())


def compiled_step():
    model = net()
    opt = torch.optim.Adam(model.parameters())
    step = torch.compile(opt.step, backend="aot_eager")
    x, y = data()
    for _ in range(2):
        opt.zero_grad()
        F.cross_entropy(model(x), y).backward()
        step()
    return digest(*model.parameters())


def threads():
    models = [net(seed) for seed in range(2)]

    def train(model):
        opt = torch.optim.SGD(model.parameters(), lr=0.1)
        x, y = data()
        for _ in range(3):
            opt.zero_grad()
            F.cross_entropy(model.eval()(x), y).backward()
            opt.step()

    workers = [threading.Thread(target=train, args=(model,), name=f"trainer{i}") for i, model in enumerate(models)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    return digest(*(p for model in models for p in model.parameters()))


def copies_and_averages():
    model = net()
    average = torch.optim.swa_utils.AveragedModel(model)
    frozen = copy.deepcopy(model)
    opt = torch.optim.SGD(model.parameters(), lr=0.1)
    schedule = torch.optim.lr_scheduler.StepLR(opt, 1)
    x, y = data()
    for _ in range(3):
        opt.zero_grad()
        (F.cross_entropy(model(x), y) + (model(x) - frozen(x).detach()).pow(2).mean()).backward()
        opt.step()
        schedule.step()
        average.update_parameters(model)
    return digest(*average.parameters(), *model.parameters())


def own_modes():
    from torch.utils.flop_counter import FlopCounterMode

    model = net()
    opt = torch.optim.SGD(model.parameters(), lr=0.1)
    x, y = data()
    flops = []
    with FlopCounterMode(display=False) as counter, torch.device("cpu"):
        for _ in range(3):
            opt.zero_grad()
            F.cross_entropy(model(x), y).backward()
            opt.step()
            flops.append(counter.get_total_flops())
    assert torch._C._len_torch_dispatch_stack() <= 1
    return digest(*model.parameters()) + str(flops)


KINDS = [kind for kind in list(globals().values()) if callable(kind) and getattr(kind, "__module__", "") == __name__]
KINDS = [kind for kind in KINDS if kind not in (digest, data, net, plain, Square)]

if __name__ == "__main__":
    wanted = sys.argv[1:]
    for kind in KINDS:
        if not wanted or kind.__name__ in wanted:
            torch.manual_seed(0)
            print(kind.__name__, kind())
