//! A character model: a small transformer with causal attention (A. Vaswani et al., "Attention is all you
//! need", 2017), its layers normalised before the blocks.

use wengert::prelude::*;

use super::network::{dense, train};
use crate::data::{integers, normals};
use crate::measure::Course;

const BATCH: usize = 8;
const CONTEXT: usize = 128;
const WIDTH: usize = 128;
const HEADS: usize = 4;
const BLOCKS: u64 = 4;
const VOCABULARY: usize = 65;

/// Layer normalisation of the last axis, with gain and bias.
#[derive(Module)]
struct Norm {
    gain: Param,
    bias: Param,
}

impl Norm {
    fn new() -> Result<Self> {
        let (gain, bias) = (Tensor::ones([WIDTH], DType::F32)?, Tensor::zeros([WIDTH], DType::F32)?);
        Ok(Self { gain: Param::new(gain), bias: Param::new(bias) })
    }
}

impl Layer for Norm {
    fn forward<'t>(&self, x: Var<'t>) -> Var<'t> {
        x.layer_norm(-1, Some(self.gain.on(x.tape())), Some(self.bias.on(x.tape())), 1e-5)
    }
}

/// Attention and a two-layer network, each added to what comes in.
#[derive(Module)]
struct Block {
    norm: Norm,
    query_key_value: Linear,
    projection: Linear,
    second_norm: Norm,
    wide: Linear,
    narrow: Linear,
}

impl Block {
    fn new(stream: u64) -> Result<Self> {
        let dense = |i: u64, sizes: [usize; 2]| dense(sizes, (stream + i, 0.02), Some((0, 0.0)));
        Ok(Self {
            norm: Norm::new()?,
            query_key_value: dense(0, [WIDTH, 3 * WIDTH])?,
            projection: dense(1, [WIDTH, WIDTH])?,
            second_norm: Norm::new()?,
            wide: dense(2, [WIDTH, 4 * WIDTH])?,
            narrow: dense(3, [4 * WIDTH, WIDTH])?,
        })
    }

    /// `mask` [context, context] is added to the logarithms of the attention.
    fn forward<'t>(&self, x: Var<'t>, mask: Var<'t>) -> Var<'t> {
        let x = x + self.projection.forward(self.attend(self.norm.forward(x), mask));
        x + self.narrow.forward(self.wide.forward(self.second_norm.forward(x)).gelu_tanh())
    }

    fn attend<'t>(&self, x: Var<'t>, mask: Var<'t>) -> Var<'t> {
        const DEPTH: usize = WIDTH / HEADS;
        let all = self.query_key_value.forward(x).reshape([BATCH, CONTEXT, 3, HEADS, DEPTH]);
        // [3, batch, heads, context, depth]
        let all = all.permute([2, 0, 3, 1, 4]);
        let (query, key, value) = (all.select_axis(0, 0), all.select_axis(0, 1), all.select_axis(0, 2));
        let scores = (query * (DEPTH as f64).powf(-0.5)).matmul(key.t()) + mask;
        scores.softmax(-1).matmul(value).transpose(1, 2).reshape([BATCH, CONTEXT, WIDTH])
    }
}

#[derive(Module)]
struct Transformer {
    tokens: Param,
    positions: Param,
    blocks: Vec<Block>,
    norm: Norm,
    head: Linear,
}

impl Transformer {
    fn new() -> Result<Self> {
        let table = |stream, rows: usize| Ok(Param::new(normals(stream, [rows, WIDTH], 0.02, DType::F32)?));
        Ok(Self {
            tokens: table(100, VOCABULARY)?,
            positions: table(101, CONTEXT)?,
            blocks: (0..BLOCKS).map(|i| Block::new(110 + 20 * i)).collect::<Result<_>>()?,
            norm: Norm::new()?,
            head: dense([WIDTH, VOCABULARY], (102, 0.02), None)?,
        })
    }

    /// Logits [batch, context, vocabulary] of what follows each of `ids` [batch, context].
    fn forward<'t>(&self, ids: Var<'t>, mask: Var<'t>) -> Var<'t> {
        let t = ids.tape();
        let x = self.tokens.on(t).embedding(ids) + self.positions.on(t);
        let x = self.blocks.iter().fold(x, |x, block| block.forward(x, mask));
        self.head.forward(self.norm.forward(x))
    }
}

/// Random tokens to learn.
struct Data {
    ids: Tensor,
    labels: Tensor,
    mask: Tensor,
}

impl Data {
    fn new() -> Result<Self> {
        // Far below any score: a later position has no weight at all.
        let mask = (0..CONTEXT * CONTEXT).map(|i| if i % CONTEXT > i / CONTEXT { -1e9_f32 } else { 0.0 });
        Ok(Self {
            ids: integers(90, [BATCH, CONTEXT], VOCABULARY as u64)?,
            labels: integers(91, [BATCH * CONTEXT], VOCABULARY as u64)?,
            mask: Tensor::from_vec(mask.collect::<Vec<f32>>(), [CONTEXT, CONTEXT])?,
        })
    }

    fn batch(&self) -> [&Tensor; 3] {
        [&self.ids, &self.mask, &self.labels]
    }
}

fn loss<'t>(net: &Transformer, [ids, mask, labels]: [Var<'t>; 3]) -> Var<'t> {
    cross_entropy(net.forward(ids, mask).reshape([BATCH * CONTEXT, VOCABULARY]), labels)
}

fn optimizer() -> AdamW {
    AdamW::new(3e-4).weight_decay(0.1)
}

/// A training step.
pub fn gpt(course: &Course) -> Result<()> {
    let (net, data) = (Transformer::new()?, Data::new()?);
    train(course, &net, optimizer(), data.batch(), |batch| loss(&net, batch))
}

/// The most memory that training takes.
pub fn gpt_rss(course: &Course) -> Result<()> {
    let (net, data) = (Transformer::new()?, Data::new()?);
    let mut train = Train::new(&net, optimizer()).compile(|batch| loss(&net, batch));
    course.peak_memory(|| train.step(data.batch()))
}
