//! What frequency each element of a transform has.

use wengert_tensor::{Error, Result, Tensor};

/// The frequencies of the n elements of [`fft`](crate::Fourier::fft), for samples `spacing` apart, as `f64`: from 0
/// up, then the negative ones.
///
/// ```
/// use wengert_fft::{Fourier, fft_frequencies};
/// use wengert_tensor::Tensor;
///
/// let f = fft_frequencies(4, 0.5)?;
/// assert_eq!(f, Tensor::from([0.0, 0.5, -1.0, -0.5]));
/// assert_eq!(f.fft_shift(0)?, Tensor::from([-1.0, -0.5, 0.0, 0.5]));
/// # Ok::<(), wengert_tensor::Error>(())
/// ```
///
/// # Errors
/// A spacing that is not positive; more elements than memory can hold.
#[doc(alias = "fftfreq")]
pub fn fft_frequencies(n: usize, spacing: f64) -> Result<Tensor> {
    frequencies(n, spacing, |k| if 2 * k < n { k as f64 } else { -((n - k) as f64) }, n)
}

/// The frequencies of the n / 2 + 1 elements of [`rfft`](crate::Fourier::rfft) of n samples `spacing` apart, as `f64`.
///
/// # Errors
/// As [`fft_frequencies`].
#[doc(alias = "rfftfreq")]
pub fn rfft_frequencies(n: usize, spacing: f64) -> Result<Tensor> {
    frequencies(n, spacing, |k| k as f64, n / 2 + 1)
}

fn frequencies(n: usize, spacing: f64, multiple: impl Fn(usize) -> f64, count: usize) -> Result<Tensor> {
    if spacing.is_nan() || spacing <= 0.0 {
        return Err(Error::value(format!("fft_frequencies: samples {spacing} apart")));
    }
    let whole = n as f64 * spacing;
    let mut all = Vec::new();
    all.try_reserve_exact(count).map_err(|_| Error::memory(format!("fft_frequencies: no room for {count}")))?;
    all.extend((0..count).map(|k| multiple(k) / whole));
    Tensor::from_vec(all, [count])
}
