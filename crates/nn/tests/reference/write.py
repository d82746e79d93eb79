"""Writes the reference values beside this file: `python write.py`, with PyTorch 2.15, in float64.

A case is a line `case NAME` and lines `NAME DTYPE SIZESxSIZES NUMBERS`. Inputs have two decimals, results 13 digits.
Gradients are those of the sum of the cubes of a layer's output, or of a loss's mean."""

import pathlib

import torch
import torch.nn as nn
import torch.nn.functional as F

torch.set_default_dtype(torch.float64)
HERE = pathlib.Path(__file__).parent
lines = []


def rand(*shape):
    """Numbers of two decimals."""
    return (torch.randn(*shape) * 100).round() / 100


def put(name, t):
    t = t.detach()
    dtype = "f64" if t.is_floating_point() else "i64"
    sizes = "x".join(map(str, t.shape)) or "-"
    lines.append(" ".join([name, dtype, sizes] + [f"{v:.13g}" for v in t.flatten().tolist()]))


def layer(name, module, *inputs, floor=0):
    """A layer's inputs, state, output and gradients."""
    torch.manual_seed(sum(map(ord, name)))
    inputs = [t if not t.is_floating_point() else t.clone().requires_grad_() for t in inputs]
    module.zero_grad()
    with torch.no_grad():
        for p in module.parameters():
            p.copy_(rand(*p.shape) + floor)
        if getattr(module, "padding_idx", None) is not None:
            module.weight[module.padding_idx] = 0
    lines.append(f"case {name}")
    for i, t in enumerate(inputs):
        put(f"x{i}", t)
    for key, t in module.state_dict().items():
        put(f"state.{key}", t)
    y = module(*inputs)
    put("y", y)
    (y**3).sum().backward()
    for i, t in enumerate(inputs):
        if t.grad is not None:
            put(f"grad.x{i}", t.grad)
    for key, p in module.named_parameters():
        put(f"grad.{key}", p.grad)
    for key, t in module.named_buffers():
        put(f"after.{key}", t)


class Hardsigmoid(nn.Module):
    """PyTorch's own gradient has 1 / 6 in single precision."""

    def forward(self, x):
        return F.relu6(x + 3) / 6


def layers():
    torch.manual_seed(0)
    layer("conv1d", nn.Conv1d(2, 3, 3, stride=2, padding=1), rand(2, 2, 6))
    layer("conv2d", nn.Conv2d(4, 2, (3, 2), stride=(2, 1), padding=(1, 2), dilation=(1, 2), groups=2), rand(1, 4, 4, 3))
    layer("conv2d_same", nn.Conv2d(1, 2, (2, 3), padding="same", dilation=(1, 2)), rand(1, 1, 3, 4))
    layer("conv3d", nn.Conv3d(1, 2, 2, padding=(1, 0, 0), bias=False), rand(1, 1, 2, 3, 3))
    layer("conv_transpose1d", nn.ConvTranspose1d(2, 3, 3, stride=2, padding=1), rand(2, 2, 3))
    layer(
        "conv_transpose2d",
        nn.ConvTranspose2d(4, 2, (3, 2), stride=(2, 3), padding=(1, 0), dilation=(1, 2), groups=2, output_padding=(1, 2)),
        rand(1, 4, 2, 2),
    )
    layer("conv_transpose3d", nn.ConvTranspose3d(1, 2, 2, bias=False), rand(1, 1, 2, 1, 2))
    layer("max_pool1d", nn.MaxPool1d(3, stride=2, padding=1), rand(2, 2, 6))
    layer("max_pool2d", nn.MaxPool2d((2, 3), stride=2, dilation=(2, 1), ceil_mode=True), rand(1, 2, 5, 6))
    layer("max_pool3d", nn.MaxPool3d(2), rand(1, 1, 4, 2, 4))
    layer("avg_pool1d", nn.AvgPool1d(3, stride=2, padding=1), rand(2, 2, 6))
    layer("avg_pool2d", nn.AvgPool2d((2, 3), stride=2, padding=(1, 1), count_include_pad=False, ceil_mode=True), rand(1, 2, 4, 5))
    layer("avg_pool3d", nn.AvgPool3d(2), rand(1, 1, 4, 2, 4))
    layer("adaptive_avg_pool2d", nn.AdaptiveAvgPool2d((3, 2)), rand(1, 2, 5, 3))
    layer("adaptive_max_pool2d", nn.AdaptiveMaxPool2d((3, 2)), rand(1, 2, 5, 3))
    layer("bilinear", nn.Bilinear(2, 3, 2), rand(2, 2, 2), rand(2, 2, 3))
    layer("layer_norm", nn.LayerNorm((2, 3)), rand(2, 2, 3))
    layer("rms_norm", nn.RMSNorm(3, eps=1e-3), rand(2, 2, 3))
    layer("rms_norm_default", nn.RMSNorm(3), rand(2, 3))
    layer("group_norm", nn.GroupNorm(2, 4), rand(2, 4, 3))
    layer("instance_norm", nn.InstanceNorm1d(2, affine=True), rand(2, 2, 3))
    train = nn.BatchNorm2d(2)
    layer("batch_norm_train", train, rand(2, 2, 1, 3))
    layer("batch_norm_train_again", train, rand(3, 2, 1, 2))
    layer("batch_norm_eval", train.eval(), rand(2, 2, 1, 3))
    cumulative = nn.BatchNorm1d(2, momentum=None)
    layer("batch_norm_train_cumulative", cumulative, rand(4, 2))
    layer("batch_norm_train_cumulative_again", cumulative, rand(3, 2))
    layer("embedding", nn.Embedding(5, 3, padding_idx=1), torch.tensor([[4, 1, 0], [4, 2, 1]]))
    layer("prelu", nn.PReLU(), rand(2, 3))
    layer("prelu_channels", nn.PReLU(2), rand(2, 2, 3))
    layer("softmax", nn.Softmax(dim=1), rand(2, 3))
    layer("log_softmax", nn.LogSoftmax(dim=1), rand(2, 3))
    layer("glu", nn.GLU(dim=1), rand(2, 4))
    x = torch.tensor([-7.1, -2.3, -1.2, -0.6, -0.2, 0.1, 0.7, 1.4, 2.6, 8.3])
    activations = dict(
        identity=nn.Identity(), sigmoid=nn.Sigmoid(), tanh=nn.Tanh(), relu=nn.ReLU(), relu6=nn.ReLU6(),
        leaky_relu=nn.LeakyReLU(), elu=nn.ELU(), celu=nn.CELU(), selu=nn.SELU(), gelu=nn.GELU(),
        gelu_tanh=nn.GELU(approximate="tanh"), silu=nn.SiLU(), mish=nn.Mish(), softplus=nn.Softplus(),
        softsign=nn.Softsign(), logsigmoid=nn.LogSigmoid(), hardsigmoid=Hardsigmoid(), hardtanh=nn.Hardtanh(),
        hardswish=nn.Hardswish(), hardshrink=nn.Hardshrink(), softshrink=nn.Softshrink(), tanhshrink=nn.Tanhshrink(),
    )
    for name, module in activations.items():
        layer(f"activation.{name}", module, x)
    for mode in ("reflect", "replicate", "circular"):
        name, same = f"conv2d_{mode}", dict(stride=(1, 2), padding=(2, 1), padding_mode=mode)
        layer(name, nn.Conv2d(1, 2, (2, 3), **same), rand(1, 1, 3, 4))
    layer("conv1d_same_circular", nn.Conv1d(1, 1, 4, padding="same", padding_mode="circular"), rand(2, 1, 5))


def loss(name, f, *inputs, each=None):
    """A loss's inputs, its values without reduction, its sum and mean, and the gradients of the mean."""
    inputs = [t if not t.is_floating_point() else t.clone().requires_grad_() for t in inputs]
    lines.append(f"case {name}")
    for i, t in enumerate(inputs):
        put(f"x{i}", t)
    none = f(*inputs, reduction="none")
    put("each", none if each is None else each(none))
    put("sum", f(*inputs, reduction="sum"))
    mean = f(*inputs, reduction="mean" if each is None else "batchmean")
    put("mean", mean)
    floats = [(i, t) for i, t in enumerate(inputs) if t.requires_grad]
    for (i, _), g in zip(floats, torch.autograd.grad(mean, [t for _, t in floats], allow_unused=True)):
        if g is not None:
            put(f"grad.x{i}", g)


def losses():
    torch.manual_seed(1)
    x, y = rand(2, 3), rand(2, 3)
    sign = torch.tensor([[1.0, -1, 1], [-1, -1, 1]])
    part = lambda f, **k: lambda *a, reduction: f(*a, reduction=reduction, **k)
    loss("mse", F.mse_loss, x, y)
    loss("l1", F.l1_loss, x, y)
    loss("huber", part(F.huber_loss, delta=0.75), x, y)
    loss("smooth_l1", part(F.smooth_l1_loss, beta=0.75), x, y)
    loss("smooth_l1_zero", part(F.smooth_l1_loss, beta=0.0), x, y)
    p, q = torch.sigmoid(x), torch.sigmoid(y)
    p, q = (p * 100).round() / 100, (q * 100).round() / 100
    w = torch.tensor([0.5, 2.0, 1.5])
    loss("bce", F.binary_cross_entropy, p, q)
    loss("bce_weight", lambda p, q, reduction: F.binary_cross_entropy(p, q, weight=w, reduction=reduction), p, q)
    loss("bce_with_logits", F.binary_cross_entropy_with_logits, x, q)
    loss(
        "bce_with_logits_weights",
        lambda x, q, reduction: F.binary_cross_entropy_with_logits(x, q, weight=w, pos_weight=2 * w, reduction=reduction),
        x, q,
    )
    z, labels, some = rand(4, 3), torch.tensor([2, 0, 1, 2]), torch.tensor([2, -100, 1, -100])
    loss("cross_entropy", F.cross_entropy, z, labels)
    loss("cross_entropy_all", part(F.cross_entropy, weight=w, label_smoothing=0.2), z, some)
    loss("cross_entropy_ignore", F.cross_entropy, z, some)
    loss("cross_entropy_smooth", part(F.cross_entropy, label_smoothing=0.2), z, labels)
    distributions = torch.tensor([[0.2, 0.3, 0.5], [1, 0, 0], [0.25, 0.25, 0.5], [0, 0.9, 0.1]])
    loss("cross_entropy_probabilities", part(F.cross_entropy, weight=w, label_smoothing=0.2), z, distributions)
    loss("nll", F.nll_loss, z, labels)
    loss("nll_all", part(F.nll_loss, weight=w), z, some)
    loss("kl_div", F.kl_div, z, distributions.clamp_min(0.01), each=lambda t: t.sum(-1))
    loss("kl_div_of_logs", part(F.kl_div, log_target=True), z, rand(4, 3), each=lambda t: t.sum(-1))
    counts = torch.tensor([[0.0, 1, 4], [2, 7, 3]])
    constant = lambda f: lambda *a, reduction: f(*a[:1], a[1].detach(), *a[2:], reduction=reduction)
    loss("poisson_nll", constant(part(F.poisson_nll_loss, full=True)), x, counts)
    loss("poisson_nll_rates", constant(part(F.poisson_nll_loss, log_input=False)), p, counts)
    loss("gaussian_nll", part(F.gaussian_nll_loss, full=True), x, y, p)
    loss("gaussian_nll_eps", part(F.gaussian_nll_loss, eps=0.5), x, y, p)
    loss("soft_margin", constant(F.soft_margin_loss), x, sign)
    ranking = part(F.margin_ranking_loss, margin=0.3)
    loss("margin_ranking", lambda a, b, s, reduction: ranking(a, b, s.detach(), reduction=reduction), x, y, sign)
    loss("hinge_embedding", constant(part(F.hinge_embedding_loss, margin=0.8)), x, sign)
    loss("multi_margin", F.multi_margin_loss, z, labels)
    loss("multi_margin_all", part(F.multi_margin_loss, p=2, margin=0.7, weight=w), z, labels)
    cosine = part(F.cosine_embedding_loss, margin=0.1)
    loss(
        "cosine_embedding",
        lambda a, b, s, reduction: cosine(a, b, s.detach(), reduction=reduction),
        z, rand(4, 3), torch.tensor([1.0, -1, -1, 1]),
    )
    loss("triplet_margin", F.triplet_margin_loss, z, rand(4, 3), rand(4, 3))
    loss("triplet_margin_all", part(F.triplet_margin_loss, p=3, margin=2.0, swap=True), z, rand(4, 3), rand(4, 3))
    # Batch first, as this crate has it; a repetition, an empty sequence, and one that has too few steps.
    def ctc(x, labels, steps, lengths, reduction, **k):
        return F.ctc_loss(x.log_softmax(-1).transpose(0, 1), labels, steps, lengths, reduction=reduction, **k)
    x = rand(4, 5, 4)
    labels = torch.tensor([[1, 2, 2], [3, 1, 0], [2, 0, 0], [3, 0, 0]])
    loss("ctc", ctc, x, labels, torch.tensor([5, 3, 4, 5]), torch.tensor([3, 2, 0, 1]))
    labels = torch.tensor([[1, 2, 2], [0, 1, 1], [2, 0, 0], [0, 0, 0]])
    loss("ctc_blank", part(ctc, blank=3, zero_infinity=True), x, labels, torch.tensor([4, 2, 4, 5]), torch.tensor([3, 3, 1, 2]))


for name, write in dict(layers=layers, losses=losses).items():
    lines.clear()
    write()
    (HERE / f"{name}.txt").write_text("\n".join(lines) + "\n")
