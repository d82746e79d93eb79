//! The course's data: the same numbers in every engine, from a stream and a position alone.
//!
//! Number `i` of stream `s` comes from the 64-bit words at positions `2i` and `2i + 1`, and the word
//! at a position is SplitMix64's output there (G. L. Steele et al., "Fast splittable pseudorandom number
//! generators", OOPSLA 2014), so that streams need no state and can be made in any order.

use wengert::prelude::*;

/// SplitMix64's output for a state: the state's increment, then the mixing.
fn word(stream: u64, position: u64) -> u64 {
    let state = (stream << 33 | position).wrapping_add(0x9E37_79B9_7F4A_7C15);
    let mixed = (state ^ state >> 30).wrapping_mul(0xBF58_476D_1CE4_E5B9);
    let mixed = (mixed ^ mixed >> 27).wrapping_mul(0x94D0_49BB_1331_11EB);
    mixed ^ mixed >> 31
}

/// The top 53 bits, as a fraction of one.
fn fraction(word: u64, above: u64) -> f64 {
    ((word >> 11) + above) as f64 / (1_u64 << 53) as f64
}

/// Standard normal numbers, by the cosine half of Box and Muller's transformation, times `scale`.
pub fn normals(stream: u64, shape: impl Into<Shape>, scale: f64, dtype: DType) -> Result<Tensor> {
    let shape = shape.into();
    let normal = |i: u64| {
        // The radius's fraction is never zero, so its logarithm is finite.
        let radius = (-2.0 * fraction(word(stream, 2 * i), 1).ln()).sqrt();
        scale * radius * (std::f64::consts::TAU * fraction(word(stream, 2 * i + 1), 0)).cos()
    };
    Tensor::from_vec((0..shape.numel() as u64).map(normal).collect::<Vec<f64>>(), shape)?.cast(dtype)
}

/// Whole numbers from 0 to `below - 1`.
pub fn integers(stream: u64, shape: impl Into<Shape>, below: u64) -> Result<Tensor> {
    let shape = shape.into();
    let number = |i: u64| (word(stream, 2 * i) % below) as i64;
    Tensor::from_vec((0..shape.numel() as u64).map(number).collect::<Vec<i64>>(), shape)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The first outputs of the reference implementation from state 0, which is what stream 0 starts with.
    #[test]
    fn words_are_splitmix64s() {
        assert_eq!(word(0, 0), 0xE220_A839_7B1D_CDAF);
    }

    #[test]
    fn normals_have_mean_zero_and_variance_one() -> Result<()> {
        let x = normals(5, [100_000], 1.0, DType::F64)?.to_vec::<f64>()?;
        let n = x.len() as f64;
        let mean = x.iter().sum::<f64>() / n;
        let variance = x.iter().map(|x| (x - mean).powi(2)).sum::<f64>() / n;
        assert!(mean.abs() < 0.02 && (variance - 1.0).abs() < 0.02, "{mean} {variance}");
        Ok(())
    }

    #[test]
    fn integers_are_within_their_bound() -> Result<()> {
        let x = integers(9, [1000], 10)?.to_vec::<i64>()?;
        assert!((0..10).all(|digit| x.contains(&digit)) && x.iter().all(|x| (0..10).contains(x)));
        Ok(())
    }
}
