//! Fourier transforms with derivatives of any order.
//!
//! [`Fourier`] adds methods to [`Var`] and to [`Tensor`]: `fft`, `ifft`, `rfft`, `irfft`, over any axes of any length,
//! in `f32` and `f64`, of batches; the numbers are computed by the `rustfft` and `realfft` crates.
//!
//! **Complex numbers are pairs along a last axis of size 2**, the real part first: `[8, 2]` is a signal of eight
//! complex numbers. So they are the tensors that everything else works on; one operation has one result; and they lie
//! in memory as complex numbers do. (Two tensors, of real and imaginary parts, would be two results of one
//! computation, and a complex dtype a second rule of differentiation for every operation.) Axes are those of the
//! tensor, so the last axis of `[8, 2]` that can be transformed is 0 or -2. [`complex`](Fourier::complex) makes pairs
//! of real numbers; `narrow(-1, 0, 1)` is the real part.
//!
//! As maps of real numbers the transforms are linear, and each is the other's adjoint but for factors: so derivatives
//! of every order are transforms too. They are right for real and imaginary parts as independent variables; the
//! gradient of a real function of z = x + iy is the pair (∂/∂x, ∂/∂y), as in PyTorch.
//!
//! This crate is built from the outside on what `wengert_autograd` offers to all, as `wengert-linalg` is; a program that
//! does not need it does not compile it.
//!
//! ```
//! use wengert_autograd::grad;
//! use wengert_fft::{Fourier, Norm};
//! use wengert_tensor::Tensor;
//!
//! // A constant has one frequency, a wave of period 4 one pair of them.
//! let x = Tensor::from([1.0, 1.0, 1.0, 1.0]);
//! let spectrum = x.rfft(-1, Norm::Backward)?;
//! assert_eq!(spectrum, Tensor::from([[4.0, 0.0], [0.0, 0.0], [0.0, 0.0]]));
//!
//! // Parseval: with `Ortho` the sum of squares is that of the signal, and its gradient 2 x.
//! let w = Tensor::from([0.5, -1.0, 2.0, 0.25]);
//! let g = grad(|x| x.complex().fft(0, Norm::Ortho).square().sum(), &w)?;
//! assert!(g.allclose(&Tensor::from([1.0, -2.0, 4.0, 0.5]), 1e-14, 1e-14)?);
//! # Ok::<(), wengert_tensor::Error>(())
//! ```

#![forbid(unsafe_code)]

mod compose;
mod frequencies;
mod lines;
mod op;
mod tensor;
mod var;

pub use frequencies::{fft_frequencies, rfft_frequencies};

use wengert_tensor::Axes;
#[cfg(doc)]
use {wengert_autograd::Var, wengert_tensor::Tensor};

/// What a transform over n numbers and its inverse are divided by: together n.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub enum Norm {
    /// The inverse by n.
    #[default]
    Backward,
    /// Both by √n: lengths are kept.
    Ortho,
    /// The transform by n.
    Forward,
}

/// Fourier transforms over axes, the same for variables and for tensors.
///
/// Each axis is transformed over all its elements: `pad` or `narrow` a signal first for another length. Mistakes are an
/// axis that does not exist, is given twice or holds the pairs; no floats; no last axis of size 2 where pairs are taken.
pub trait Fourier: Sized {
    /// What is returned where `T` is the answer: `T` itself for a [`Var`], whose mistakes wait on its tape, and
    /// `Result<T>` for a [`Tensor`].
    type Out<T>;

    /// The discrete Fourier transform of pairs: Yₖ = Σⱼ xⱼ exp(-2πi jk / n), over each of `axes`; `..` are all but the
    /// last, which holds the pairs.
    ///
    /// ```
    /// # use wengert_fft::{Fourier, Norm};
    /// # use wengert_tensor::Tensor;
    /// let wave = Tensor::from([[1.0, 0.0], [0.0, 1.0], [-1.0, 0.0], [0.0, -1.0]]);
    /// let peak = Tensor::from([[0.0, 0.0], [4.0, 0.0], [0.0, 0.0], [0.0, 0.0]]);
    /// assert_eq!(wave.fft(0, Norm::Backward)?, peak);
    /// # Ok::<(), wengert_tensor::Error>(())
    /// ```
    #[doc(alias("fft2", "fftn", "dft"))]
    #[track_caller]
    fn fft(&self, axes: impl Into<Axes>, norm: Norm) -> Self::Out<Self>;

    /// The inverse of [`fft`](Self::fft) with the same norm.
    #[doc(alias("ifft2", "ifftn"))]
    #[track_caller]
    fn ifft(&self, axes: impl Into<Axes>, norm: Norm) -> Self::Out<Self>;

    /// The transform of real numbers, as pairs along a new last axis. Of the last of `axes` only the first n / 2 + 1
    /// frequencies are given, to which the others are conjugate.
    ///
    /// ```
    /// # use wengert_fft::{Fourier, Norm};
    /// # use wengert_tensor::Tensor;
    /// let x = Tensor::from([1.0, 0.0, 0.0, 0.0, 0.0]);
    /// assert_eq!(x.rfft(0, Norm::Backward)?, Tensor::from([[1.0, 0.0], [1.0, 0.0], [1.0, 0.0]]));
    /// # Ok::<(), wengert_tensor::Error>(())
    /// ```
    ///
    /// # Errors
    /// Also where the last of `axes` is empty, or there are none.
    #[doc(alias("rfft2", "rfftn"))]
    #[track_caller]
    fn rfft(&self, axes: impl Into<Axes>, norm: Norm) -> Self::Out<Self>;

    /// The inverse of [`rfft`](Self::rfft) over the same axes, the last of which had `n` elements: real numbers, without
    /// the axis of pairs. Imaginary parts that a real signal does not have are taken for 0.
    ///
    /// ```
    /// # use wengert_fft::{Fourier, Norm};
    /// # use wengert_tensor::Tensor;
    /// let x = Tensor::from([1.0, 2.0, 4.0]);
    /// let same = x.rfft(0, Norm::Ortho)?.irfft(0, 3, Norm::Ortho)?;
    /// assert!(same.allclose(&x, 1e-15, 1e-15)?);
    /// # Ok::<(), wengert_tensor::Error>(())
    /// ```
    ///
    /// # Errors
    /// Also where the last of `axes` has not n / 2 + 1 elements, or n is 0.
    #[doc(alias("irfft2", "irfftn"))]
    #[track_caller]
    fn irfft(&self, axes: impl Into<Axes>, n: usize, norm: Norm) -> Self::Out<Self>;

    /// Axes rolled so that frequency 0, the first, comes to the middle, at n / 2. These are any axes of any numbers; to
    /// shift a spectrum do not name the last, which holds the pairs.
    #[doc(alias = "fftshift")]
    #[track_caller]
    fn fft_shift(&self, axes: impl Into<Axes>) -> Self::Out<Self>;

    /// The inverse of [`fft_shift`](Self::fft_shift).
    #[doc(alias = "ifftshift")]
    #[track_caller]
    fn ifft_shift(&self, axes: impl Into<Axes>) -> Self::Out<Self>;

    /// Real numbers as pairs, with imaginary parts of 0.
    #[track_caller]
    fn complex(&self) -> Self::Out<Self>;

    /// The product of complex numbers, elementwise; all but the last axis broadcast.
    ///
    /// ```
    /// # use wengert_fft::Fourier;
    /// # use wengert_tensor::Tensor;
    /// let i = Tensor::from([0.0, 1.0]);
    /// assert_eq!(i.complex_mul(&i)?, Tensor::from([-1.0, 0.0]));
    /// # Ok::<(), wengert_tensor::Error>(())
    /// ```
    #[track_caller]
    fn complex_mul(&self, other: &Self) -> Self::Out<Self>;

    /// The conjugate of complex numbers.
    #[doc(alias = "conj")]
    #[track_caller]
    fn conjugate(&self) -> Self::Out<Self>;
}
