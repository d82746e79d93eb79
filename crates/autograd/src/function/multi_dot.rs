//! Products of many matrices, in the order that takes the fewest multiplications.

use wengert_tensor::{Error, Result};

use super::compose;
use crate::op::nothing;
use crate::tape::Var;

/// Longer chains are multiplied from the left: the search takes the cube of their length.
const LONGEST: usize = 256;

impl<'t> Var<'t> {
    /// The product of matrices, [m, k] and [k, ..] and so on to [.., n], in the order of the fewest multiplications. The
    /// first may be a vector, one row, and the last one, a column; the result has no axis for it.
    ///
    /// The order is found by dynamic programming over the parts of the chain (T. Cormen et al., "Introduction to
    /// Algorithms", section 15.2), for chains of up to 256 matrices; longer ones are multiplied from the left.
    ///
    /// ```
    /// use wengert_autograd::{Tape, Var};
    ///
    /// let tape = Tape::new();
    /// // x (y z) takes 12 000 multiplications, (x y) z 50 times as many.
    /// let (x, y, z) = (tape.full([100, 60], 1.0), tape.full([60, 100], 1.0), tape.full([100], 1.0));
    /// assert_eq!(Var::multi_dot(&[x, y, z]).shape()[..], [100]);
    /// # Ok::<(), wengert_tensor::Error>(())
    /// ```
    ///
    /// # Errors
    /// No variables, one that is no matrix, sizes that do not fit.
    #[doc(alias = "chain_matmul")]
    #[inline]
    #[track_caller]
    pub fn multi_dot(xs: &[Self]) -> Self {
        let Some(first) = xs.first() else { return nothing("multi_dot") };
        if let Some(poisoned) = xs.iter().find(|x| x.is_poisoned()) {
            return *poisoned;
        }
        compose("multi_dot", [*first], |_| {
            let sizes = sizes(xs)?;
            if xs.len() > LONGEST {
                return Ok(xs[1..].iter().fold(xs[0], |product, x| product.matmul(*x)));
            }
            Ok(product(xs, &cuts(&sizes), 0, xs.len() - 1))
        })
    }
}

/// The sizes m, k, .., n of a chain of matrices, of which the first and the last may be vectors.
fn sizes(xs: &[Var<'_>]) -> Result<Vec<usize>> {
    let mut sizes = Vec::with_capacity(xs.len() + 1);
    for (i, x) in xs.iter().enumerate() {
        let (shape, last) = (x.shape(), i + 1 == xs.len());
        let (rows, columns) = match shape[..] {
            [m, n] => (m, n),
            [n] if i == 0 && !last => (1, n),
            [n] if last && i > 0 => (n, 1),
            _ => return Err(Error::shape(format!("number {i}, {shape}, is no matrix"))),
        };
        match sizes.last() {
            Some(&inner) if inner != rows => {
                return Err(Error::shape(format!("{inner} columns before number {i}, {shape}")));
            }
            Some(_) => {}
            None => sizes.push(rows),
        }
        sizes.push(columns);
    }
    Ok(sizes)
}

/// For every part i ..= j of a chain, at `i n + j`, the last matrix of the left factor of its cheapest product.
fn cuts(sizes: &[usize]) -> Vec<usize> {
    let n = sizes.len() - 1;
    // The numbers of multiplications, which may be beyond what integers hold.
    let (mut costs, mut cuts) = (vec![0.0; n * n], vec![0; n * n]);
    for len in 1..n {
        for i in 0..n - len {
            let j = i + len;
            let cost = |k: usize| {
                let own = sizes[i] as f64 * sizes[k + 1] as f64 * sizes[j + 1] as f64;
                costs[i * n + k] + costs[(k + 1) * n + j] + own
            };
            let (mut least, mut at) = (cost(i), i);
            for k in i + 1..j {
                if cost(k) < least {
                    (least, at) = (cost(k), k);
                }
            }
            (costs[i * n + j], cuts[i * n + j]) = (least, at);
        }
    }
    cuts
}

fn product<'t>(xs: &[Var<'t>], cuts: &[usize], i: usize, j: usize) -> Var<'t> {
    if i == j {
        return xs[i];
    }
    let cut = cuts[i * xs.len() + j];
    product(xs, cuts, i, cut).matmul(product(xs, cuts, cut + 1, j))
}
