//! Attention, all at once or in blocks without the matrix of all scores.
//!
//! In blocks, a scan goes over heads and samples, and each step over blocks of queries, which are computed again for
//! the derivative (M. N. Rabe and C. Staats, "Self-attention does not need O(n²) memory", 2021; T. Dao et al.,
//! "FlashAttention", NeurIPS 2022). So the scores that are there at once fit the second cache, and behind a causal mask
//! a block leaves out the keys after its last query.
//!
//! A block has all the keys that its queries see, so what is computed for a query is what is computed for it without blocks, in the
//! same order: where all numbers are finite, results and cotangents of queries have the same bits. Cotangents of
//! keys and values are sums over blocks. Shapes, dtype and mask alone choose the way.

use wengert_tensor::{Result, Shape};

use super::{checkpoint, scan};
use crate::function::{Mask, attend, shared, sharers};
use crate::op::compose;
use crate::tape::Var;

/// The bytes of a step's scores from which blocks win: where all queries see all keys
const FULL: usize = 1 << 20;
/// and where, on an average, half of them,
const CAUSAL: usize = 1 << 18;
/// if those of all steps are so many.
const ALL: usize = 1 << 22;

/// The bytes of a block's scores, so that they and their cotangents stay in the second cache.
const BLOCK: usize = 1 << 20;
/// No more blocks a step, for each is recorded,
const BLOCKS: usize = 8;
/// and no fewer queries a block, for products of thin matrices are slow.
const QUERIES: usize = 64;
/// Sums over keys have so many lanes: where keys are left out, every lane loses only zeros at its end.
const LANES: usize = 32;

impl<'t> Var<'t> {
    /// Scaled dot-product attention, softmax(q kᵀ / √d) v: from these queries `[.., queries, d]`, keys `[.., keys, d]`
    /// and values `[.., keys, width]` to `[.., queries, width]`. Leading axes broadcast.
    ///
    /// Where there are heads, `[.., heads, steps, width]`, keys and values may have fewer, by a divisor: each is then shared
    /// by as many heads of queries, one after another (J. Ainslie et al., "GQA: training generalized multi-query transformer
    /// models from multi-head checkpoints", 2023).
    ///
    /// Another scale than 1 / √d is one of the queries, s √d q.
    ///
    /// Long sequences are gone over in blocks, forwards and backwards, so that memory grows with their length and not with its
    /// square (M. N. Rabe and C. Staats, 2021; T. Dao et al., 2022).
    ///
    /// A. Vaswani et al., "Attention is all you need", NeurIPS 2017.
    ///
    /// ```
    /// use wengert_autograd::{Mask, Tape};
    /// use wengert_tensor::Tensor;
    ///
    /// let tape = Tape::new();
    /// let x = tape.input(&Tensor::from([[1.0, 2.0], [3.0, 4.0]]));
    /// let nowhere = tape.full([2, 2], 0.0);
    /// assert_eq!(nowhere.attention(x, x, Mask::none()).value()?, Tensor::from([[2.0, 3.0], [2.0, 3.0]]));
    /// # Ok::<(), wengert_tensor::Error>(())
    /// ```
    ///
    /// # Errors
    /// Operands of less than two axes, shapes that do not fit, a mask that does not broadcast to the weights.
    #[doc(alias = "scaled_dot_product_attention")]
    #[inline]
    #[track_caller]
    pub fn attention(self, key: Self, value: Self, mask: Mask<'t>) -> Self {
        let [y] = compose(self.tape().here(), [self, key, value], |[query, key, value]| {
            let y = match Blocks::of(query, key, value, &mask) {
                Some(blocks) => blocks.attend(query, key, value, mask),
                None => attend(query, key, value, mask),
            };
            Ok([y.map_err(|error| error.within("attention"))?])
        });
        y
    }
}

/// How attention is cut into blocks.
struct Blocks {
    /// The axes that the steps go over.
    lead: Shape,
    /// The ends of a step's blocks of queries, and of the keys that they see.
    ends: Vec<[usize; 2]>,
}

impl Blocks {
    /// Where blocks win. What does not fit together is left to the other way, which says why.
    fn of(query: Var<'_>, key: Var<'_>, value: Var<'_>, mask: &Mask<'_>) -> Option<Self> {
        let (of, to) = (query.shape(), key.shape());
        let (&[.., queries, d], &[.., keys, e]) = (&of[..], &to[..]) else { return None };
        let same = d == e && query.dtype() == key.dtype() && query.dtype() == value.dtype();
        if !same || value.shape().iter().nth_back(1) != Some(&keys) {
            return None;
        }
        let rest = |x: Var<'_>| {
            let (mut own, times) = (x.shape(), sharers(&x.shape(), &of));
            let matrix = own.rank().checked_sub(2)?;
            if times > 1 {
                own = own.with_size(matrix - 1, own[matrix - 1] * times);
            }
            Some(own.without(&[matrix, matrix + 1]))
        };
        let lead = rest(query)?.broadcast(&rest(key)?)?;
        let each = query.dtype().size().saturating_mul(queries).saturating_mul(keys);
        let (enough, least) = if mask.is_causal() { (CAUSAL, BLOCKS) } else { (FULL, 1) };
        if each < enough || each.saturating_mul(lead.numel()) < ALL {
            return None;
        }
        let scores = lead.iter().copied().chain([queries, keys]).collect::<Shape>();
        if !rest(value)?.stretches_to(&lead) || !mask.fits(&scores) {
            return None;
        }
        let count = each.div_ceil(BLOCK).clamp(least, BLOCKS).min(queries / QUERIES).max(1);
        let end = |i: usize| {
            // Of equal size, but for one, and none of a single query, whose product is a vector's.
            let end = queries / count * i + (queries % count).min(i);
            [end, mask.seen(end).next_multiple_of(LANES).min(keys)]
        };
        Some(Self { lead, ends: (1..=count).map(end).collect() })
    }

    fn attend<'t>(&self, query: Var<'t>, key: Var<'t>, value: Var<'t>, mask: Mask<'t>) -> Result<Var<'t>> {
        let heads = query.shape();
        let mut over: Vec<Var<'t>> = Vec::with_capacity(5);
        over.extend([query, shared(key, &heads)?, shared(value, &heads)?].map(|x| self.parts(x)));
        // A mask that all steps have in common is no part of any.
        let mut common = |x: Var<'t>| {
            let x = (x.rank()..2).fold(x, |x, _| x.unsqueeze(0));
            let shape = x.shape();
            let matrix = [shape[shape.rank() - 2], shape[shape.rank() - 1]];
            if matrix[0] * matrix[1] == shape.numel() {
                return Some(x.reshape(matrix));
            }
            over.push(self.parts(x));
            None
        };
        let masks = mask.matrices(self.lead.rank() + 2).map(|x| x.map(&mut common));
        let step = |items: Vec<Var<'t>>| {
            let mut parts = items.iter().copied().skip(3);
            let masks = masks.map(|x| x.and_then(|common| common.or_else(|| parts.next())));
            self.step([items[0], items[1], items[2]], mask, masks)
        };
        let ((), y) = scan(|(), items| ((), step(items)), (), over);
        Ok(match y.is_poisoned() {
            true => y,
            false => y.reshape(self.lead.iter().chain(&y.shape()[1..]).copied().collect::<Shape>()),
        })
    }

    /// What a step has of a variable, as `[steps, m, n]`.
    fn parts<'t>(&self, x: Var<'t>) -> Var<'t> {
        let shape = x.shape();
        let matrix = &shape[shape.rank() - 2..];
        let all: Shape = self.lead.iter().chain(matrix).copied().collect();
        x.broadcast_to(all).reshape([self.lead.numel(), matrix[0], matrix[1]])
    }

    /// The blocks of a step, one after another.
    fn step<'t>(&self, [query, key, value]: [Var<'t>; 3], mask: Mask<'t>, masks: [Option<Var<'t>>; 2]) -> Var<'t> {
        let mut start = 0;
        let block = |&[end, seen]: &[usize; 2]| {
            let first = std::mem::replace(&mut start, end);
            let n = end - first;
            let cut = |x: Var<'t>| {
                let x = if x.shape().first() == Some(&1) { x } else { x.narrow(0, first, n) };
                if x.shape().last() == Some(&1) { x } else { x.narrow(1, 0, seen) }
            };
            let mask = mask.of_block(first, masks.map(|x| x.map(cut)));
            let (key, value) = (key.narrow(0, 0, seen), value.narrow(0, 0, seen));
            let once = |query: Var<'t>| {
                attend(query, key, value, mask).unwrap_or_else(|error| query.tape().error(error.within("attention")))
            };
            checkpoint(once, query.narrow(0, first, n))
        };
        Var::concat(&self.ends.iter().map(block).collect::<Vec<_>>(), 0)
    }
}
