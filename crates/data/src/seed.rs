//! Random numbers by counters: what is drawn for a sample in an epoch depends on the seed and those two numbers alone, so
//! neither order nor threads nor a resumption change it.

use wengert_tensor::{Error, Result, Rng, Tensor};

/// A bijection of 64-bit numbers that mixes all bits: the finaliser of SplitMix64 (G. L. Steele, D. Lea and C. H. Flood, "Fast
/// splittable pseudorandom number generators", OOPSLA 2014).
fn mixed(x: u64) -> u64 {
    let x = x.wrapping_add(0x9e37_79b9_7f4a_7c15);
    let x = (x ^ (x >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    let x = (x ^ (x >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    x ^ (x >> 31)
}

/// The generator of one counter.
pub(crate) fn stream(seed: u64, epoch: u64, sample: u64) -> Rng {
    Rng::seed(mixed(mixed(mixed(seed) ^ epoch) ^ sample))
}

/// The numbers below `n` in the order of `seed` and `epoch`.
pub(crate) fn permutation(n: usize, seed: u64, epoch: u64) -> Result<Vec<usize>> {
    // No sample has this number, so an order is not made of the numbers that augment one.
    let order = Tensor::permutation(n, &mut stream(seed, epoch, u64::MAX))?;
    let mut indices = in_order(0)?;
    indices.try_reserve_exact(n).map_err(|_| too_many(n))?;
    indices.extend(order.iter::<i64>()?.map(|i| i as usize));
    Ok(indices)
}

/// The numbers below `n`.
pub(crate) fn in_order(n: usize) -> Result<Vec<usize>> {
    let mut indices = Vec::new();
    indices.try_reserve_exact(n).map_err(|_| too_many(n))?;
    indices.extend(0..n);
    Ok(indices)
}

fn too_many(n: usize) -> Error {
    Error::memory(format!("order: no memory for the order of {n} samples"))
}
