//! Uniform random numbers of a key: the same for the same key, in any order and on any number of threads.

use rand::{RngExt, SeedableRng};
use rand_xoshiro::Xoshiro256PlusPlus;

use crate::dtype::Element;
use crate::error::{Error, Result};
use crate::kernel::{parallel, with_float};
use crate::view::{View, ViewMut};

/// As many numbers come from one generator; the next ones come from another, of the same key.
const BLOCK: usize = 1024;

/// Numbers from 0 up to 1, without 1, in equal parts for every key of `keys`, which are `i64`. Where a dtype has fewer
/// bits, its numbers are the same ones cut short.
///
/// The generators are xoshiro256++, seeded through SplitMix64 (D. Blackman and S. Vigna, "Scrambled linear
/// pseudorandom number generators", ACM TOMS 47(4), 2021).
///
/// # Errors
/// Keys of another dtype, a result that is not a float, or is no whole number of parts.
pub fn uniform(keys: View, out: ViewMut) -> Result<()> {
    let op = "uniform";
    let keys = keys.typed::<i64>(op)?;
    with_float!(op, out.dtype(), T => fill(op, &keys.iter().collect::<Vec<_>>(), out.typed::<T>(op)?))
}

/// A float from the leading bits of a random word.
trait FromBits: Element {
    fn from_bits(word: u64) -> Self;
}

impl FromBits for f32 {
    fn from_bits(word: u64) -> Self {
        (word >> 40) as f32 * (0.5f32).powi(24)
    }
}

impl FromBits for f64 {
    fn from_bits(word: u64) -> Self {
        (word >> 11) as f64 * (0.5f64).powi(53)
    }
}

fn fill<T: FromBits>(op: &str, keys: &[i64], out: &mut [T]) -> Result<()> {
    if keys.is_empty() || out.is_empty() {
        return Ok(());
    }
    if !out.len().is_multiple_of(keys.len()) {
        return Err(Error::shape(format!("{op}: {} numbers are no equal parts for {} keys", out.len(), keys.len())));
    }
    let part = out.len() / keys.len();
    for (&key, part) in keys.iter().zip(out.chunks_exact_mut(part)) {
        parallel::chunks(part, BLOCK, &|start, block| {
            let mut rng = Xoshiro256PlusPlus::seed_from_u64(mix(mix(key as u64) ^ (start / BLOCK) as u64));
            block.iter_mut().for_each(|x| *x = T::from_bits(rng.random()));
            Ok(())
        })?;
    }
    Ok(())
}

/// The finaliser of SplitMix64 after one step: neighbouring words become unrelated ones.
fn mix(word: u64) -> u64 {
    let z = word.wrapping_add(0x9e37_79b9_7f4a_7c15);
    let z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    let z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    z ^ (z >> 31)
}
