//! Disjoint random parts of a data set, by shares or by folds.

use std::sync::Arc;

use wengert_tensor::{Error, Result};

use super::Subset;
use crate::dataset::Dataset;
use crate::seed;

/// One of the parts that [`Dataset::split`] and [`Dataset::k_fold`] return: a subset of the data set that the parts share.
pub type Split<D> = Subset<Arc<D>>;

impl<D: Dataset> Split<D> {
    pub(crate) fn by_shares<const N: usize>(data: D, shares: [f64; N], seed: u64) -> Result<[Self; N]> {
        let sum: f64 = shares.iter().sum();
        if shares.iter().any(|s| !(0.0..=1.0).contains(s)) || sum > 1.0 + 1e-9 {
            return Err(Error::value(format!("split: shares {shares:?} must be from 0 to 1, and 1 together at most")));
        }
        let n = data.len();
        // Ends of sums, not lengths, are rounded: so all samples are taken where the shares sum to 1.
        let mut end = 0.0;
        let mut ends = shares.map(|share| {
            end += share;
            ((end * n as f64).round() as usize).min(n)
        });
        if let Some(last) = ends.last_mut().filter(|_| sum > 1.0 - 1e-9) {
            *last = n;
        }
        let (data, order) = (Arc::new(data), seed::permutation(n, seed, 0)?);
        let mut start = 0;
        Ok(ends.map(|end| {
            let indices = order[start..end].to_vec();
            start = end;
            Self { data: data.clone(), indices }
        }))
    }

    pub(crate) fn folds(data: D, k: usize, seed: u64) -> Result<Vec<(Self, Self)>> {
        let n = data.len();
        if k < 2 || k > n {
            return Err(Error::value(format!("k_fold: {k} folds of {n} samples; at least 2, and one sample in each")));
        }
        let (data, order) = (Arc::new(data), seed::permutation(n, seed, 0)?);
        let part = |indices: Vec<usize>| Self { data: data.clone(), indices };
        let end = |fold: usize| (fold as u128 * n as u128 / k as u128) as usize;
        Ok((0..k)
            .map(|fold| {
                let (start, end) = (end(fold), end(fold + 1));
                (part([&order[..start], &order[end..]].concat()), part(order[start..end].to_vec()))
            })
            .collect())
    }
}
