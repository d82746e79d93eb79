"""Writes recurrent.txt and attention.txt beside this file: `python sequences.py`, with PyTorch 2.15, in float64.

The format is that of `write.py`. Inputs and parameters are not in the files: they are `pattern(t, shape)`, exact
numbers that the tests make too. The parameters take t = 0, 1, ... in the order of their names. Gradients are those of
sum(output * pattern(90, shape)), plus, where there are states, sum(state * pattern(91 + i, shape))."""

import math
from pathlib import Path

import torch
from torch import nn

torch.set_default_dtype(torch.float64)
HERE = Path(__file__).parent


def pattern(t, shape):
    n = math.prod(shape)
    values = [((37 * i + 17 * t) % 101 - 50) / 64 for i in range(n)]
    return torch.tensor(values).reshape(shape)


def fill(module):
    for t, (_, p) in enumerate(sorted(module.named_parameters())):
        p.data = pattern(t, p.shape)
    return module


def line(name, tensor):
    sizes = "x".join(map(str, tensor.shape))
    return " ".join([name, "f64", sizes] + [f"{x:.13g}" for x in tensor.detach().flatten().tolist()])


def case(module, inputs, run):
    """`run(*inputs)` gives the output and a list of states."""
    fill(module)
    inputs = [x.requires_grad_() for x in inputs]
    output, states = run(*inputs)
    loss = (output * pattern(90, output.shape)).sum()
    for i, s in enumerate(states):
        loss = loss + (s * pattern(91 + i, s.shape)).sum()
    loss.backward()
    record = {"output": output}
    record |= {f"state.{i}": s for i, s in enumerate(states)}
    record |= {f"grad.input.{i}": x.grad for i, x in enumerate(inputs)}
    record |= {f"grad.{name}": p.grad for name, p in module.named_parameters()}
    return [line(name, tensor) for name, tensor in record.items()]


def recurrent():
    x = lambda: pattern(50, (2, 4, 3))
    state = lambda t, module: pattern(t, (module.num_layers * (1 + module.bidirectional), 2, module.hidden_size))
    cases = {}
    rnn = nn.RNN(3, 2, batch_first=True)
    cases["rnn"] = case(rnn, [x()], lambda x: (lambda y, h: (y, [h]))(*rnn(x)))
    relu = nn.RNN(3, 2, num_layers=2, bidirectional=True, bias=False, nonlinearity="relu", batch_first=True)
    cases["rnn_relu"] = case(relu, [x(), state(51, relu)], lambda x, h: (lambda y, h: (y, [h]))(*relu(x, h)))
    lstm = nn.LSTM(3, 2, batch_first=True)
    cases["lstm"] = case(lstm, [x()], lambda x: (lambda y, s: (y, list(s)))(*lstm(x)))
    lstm2 = nn.LSTM(3, 2, num_layers=2, bidirectional=True, batch_first=True)
    cases["lstm_2"] = case(
        lstm2,
        [x(), state(51, lstm2), state(52, lstm2)],
        lambda x, h, c: (lambda y, s: (y, list(s)))(*lstm2(x, (h, c))),
    )
    gru = nn.GRU(3, 2, bias=False, batch_first=True)
    cases["gru"] = case(gru, [x()], lambda x: (lambda y, h: (y, [h]))(*gru(x)))
    gru2 = nn.GRU(3, 2, num_layers=2, bidirectional=True, batch_first=True)
    cases["gru_2"] = case(gru2, [x(), state(51, gru2)], lambda x, h: (lambda y, h: (y, [h]))(*gru2(x, h)))
    return cases


# In PyTorch's masks of attention True is what is not seen.
HIDDEN = torch.tensor([[False, False, True], [False, False, False]])
HIDDEN_MEMORY = torch.tensor([[False, False, False, True], [False, True, False, False]])


def causal(n):
    return torch.triu(torch.ones(n, n, dtype=torch.bool), 1)


def attention():
    x = lambda: pattern(50, (2, 3, 4))
    memory = lambda: pattern(51, (2, 4, 4))
    cases = {}
    mha = lambda **options: nn.MultiheadAttention(4, 2, batch_first=True, **options)

    def attend(q, k, v, module, **masks):
        y, weights = module(q, k, v, average_attn_weights=False, **masks)
        return y, [weights]

    a = mha()
    cases["self"] = case(a, [x()], lambda x: attend(x, x, x, a))
    b = mha()
    masks = dict(attn_mask=causal(3), key_padding_mask=HIDDEN)
    cases["self_masked"] = case(b, [x()], lambda x: attend(x, x, x, b, **masks))
    c = mha(bias=False)
    cases["cross"] = case(c, [x(), memory()], lambda x, m: attend(x, m, m, c, key_padding_mask=HIDDEN_MEMORY))
    d = mha(kdim=3, vdim=2)
    widths = [x(), pattern(51, (2, 4, 3)), pattern(52, (2, 4, 2))]
    added = pattern(53, (3, 4))
    cases["widths"] = case(d, widths, lambda q, k, v: attend(q, k, v, d, attn_mask=added))

    options = dict(dim_feedforward=6, dropout=0.0, batch_first=True)
    for name, more in {"post": {}, "pre": dict(norm_first=True, activation="gelu")}.items():
        e = nn.TransformerEncoderLayer(4, 2, **options, **more)
        cases[f"encoder_block_{name}"] = case(
            e, [x()], lambda x: (e(x, src_mask=causal(3), src_key_padding_mask=HIDDEN), [])
        )
        f = nn.TransformerDecoderLayer(4, 2, **options, **more)
        cases[f"decoder_block_{name}"] = case(
            f,
            [x(), memory()],
            lambda x, m: (f(x, m, tgt_mask=causal(3), memory_key_padding_mask=HIDDEN_MEMORY), []),
        )
    g = nn.TransformerEncoder(
        nn.TransformerEncoderLayer(4, 2, norm_first=True, **options), 2, nn.LayerNorm(4), enable_nested_tensor=False
    )
    cases["encoder"] = case(g, [x()], lambda x: (g(x), []))
    h = nn.TransformerDecoder(nn.TransformerDecoderLayer(4, 2, bias=False, **options), 2)
    cases["decoder"] = case(h, [x(), memory()], lambda x, m: (h(x, m, tgt_mask=causal(3)), []))
    return cases


def rotated(x, halves):
    """Turned as complex numbers, by the definition."""
    steps, width = x.shape[-2:]
    rates = 10000.0 ** (-torch.arange(0, width, 2, dtype=torch.float64) / width)
    turns = torch.polar(torch.ones(steps, width // 2), torch.outer(torch.arange(steps, dtype=torch.float64), rates))
    pairs = torch.stack(x.chunk(2, -1), -1) if halves else x.unflatten(-1, (-1, 2))
    turned = torch.view_as_real(torch.view_as_complex(pairs.contiguous()) * turns)
    return torch.cat(turned.unbind(-1), -1) if halves else turned.flatten(-2)


def positions():
    table = torch.zeros(5, 6)
    for t in range(5):
        for i in range(3):
            angle = t / 10000 ** (2 * i / 6)
            table[t, 2 * i], table[t, 2 * i + 1] = math.sin(angle), math.cos(angle)
    x = lambda: pattern(50, (2, 5, 6))
    plain = nn.Module()
    return {
        "sinusoidal": case(plain, [x()], lambda x: (x + table, [])),
        "rotary": case(plain, [x()], lambda x: (rotated(x, False), [])),
        "rotary_halves": case(plain, [x()], lambda x: (rotated(x, True), [])),
    }


for name, cases in {"recurrent": recurrent(), "attention": attention() | positions()}.items():
    lines = [text for key, record in cases.items() for text in [f"case {key}", *record]]
    (HERE / f"{name}.txt").write_text("\n".join(lines) + "\n")
