//! [`Init`]: the numbers that weights start from.
//!
//! All of them are drawn in f64 and then rounded, so a model in f32 starts from the same numbers as its
//! twin in f64.

use wengert_tensor::{DType, Error, Result, Rng, Shape, Tensor};

/// How a tensor of weights starts.
///
/// ```
/// use wengert_nn::{Fans, Init};
/// use wengert_tensor::{DType, Rng};
///
/// let w = Init::XavierUniform { gain: 1.0 }.draw([2, 4], Fans::of_matrix(2, 4), DType::F64, &mut Rng::seed(0))?;
/// assert!(w.iter::<f64>()?.all(|w| w.abs() <= 1.0));
/// # Ok::<(), wengert_tensor::Error>(())
/// ```
#[derive(Debug, Clone, Copy, PartialEq)]
#[non_exhaustive]
pub enum Init {
    /// All zeros.
    Zeros,
    /// One number everywhere.
    Constant(f64),
    /// Normal, of mean 0.
    Normal {
        /// The standard deviation.
        std: f64,
    },
    /// Uniform from -`bound` to `bound`.
    Uniform {
        /// The largest magnitude.
        bound: f64,
    },
    /// Uniform, of variance 2 gain^2 / (fan in + fan out): keeps the variance of values and of cotangents
    /// where the activation is nearly linear with slope 1 / gain (X. Glorot and Y. Bengio, "Understanding
    /// the difficulty of training deep feedforward neural networks", AISTATS 2010).
    #[doc(alias = "glorot")]
    XavierUniform {
        /// What the standard deviation is multiplied by.
        gain: f64,
    },
    /// As [`XavierUniform`](Self::XavierUniform), but normal.
    XavierNormal {
        /// What the standard deviation is multiplied by.
        gain: f64,
    },
    /// Uniform, of variance 2 / ((1 + slope^2) fan in): keeps the variance of values through rectifiers
    /// of that slope below zero (K. He, X. Zhang, S. Ren and J. Sun, "Delving deep into rectifiers:
    /// surpassing human-level performance on ImageNet classification", ICCV 2015).
    #[doc(alias = "he")]
    KaimingUniform {
        /// The activation's slope below zero: 0 for ReLU.
        slope: f64,
    },
    /// As [`KaimingUniform`](Self::KaimingUniform), but normal.
    KaimingNormal {
        /// The activation's slope below zero: 0 for ReLU.
        slope: f64,
    },
    /// A matrix, its first axis by all others, whose shorter side is orthonormal, times `gain`; uniform
    /// over all such matrices (A. Saxe, J. McClelland and S. Ganguli, "Exact solutions to the nonlinear
    /// dynamics of learning in deep linear neural networks", ICLR 2014).
    Orthogonal {
        /// What the orthonormal vectors are multiplied by.
        gain: f64,
    },
}

/// How a layer connects: how many inputs an output sums over, and how many outputs an input goes to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Fans {
    /// Inputs of each output.
    pub input: usize,
    /// Outputs of each input.
    pub output: usize,
}

impl Fans {
    /// Those of a dense layer.
    pub fn of_matrix(inputs: usize, outputs: usize) -> Self {
        Self { input: inputs, output: outputs }
    }
}

impl Init {
    /// A tensor of `shape` that starts this way, for a layer of the given `fans`.
    ///
    /// # Errors
    /// A number of this initialiser that is not finite or, but for a constant, negative; a dtype that is not a
    /// float; an orthogonal matrix of rank below 2; a tensor that cannot be allocated.
    pub fn draw(&self, shape: impl Into<Shape>, fans: Fans, dtype: DType, rng: &mut Rng) -> Result<Tensor> {
        let shape = shape.into();
        self.check(dtype)?;
        let (input, output) = (fans.input.max(1) as f64, fans.output.max(1) as f64);
        let xavier = |gain: f64| gain * (2.0 / (input + output)).sqrt();
        let kaiming = |slope: f64| (2.0 / ((1.0 + slope * slope) * input)).sqrt();
        // A uniform distribution over [-b, b] has the standard deviation b / sqrt(3).
        let root3 = 3f64.sqrt();
        match *self {
            Self::Zeros => Tensor::zeros(shape, dtype),
            Self::Constant(value) => Tensor::full(shape, value)?.cast(dtype),
            Self::Normal { std } => normal(shape, std, dtype, rng),
            Self::Uniform { bound } => uniform(shape, bound, dtype, rng),
            Self::XavierUniform { gain } => uniform(shape, root3 * xavier(gain), dtype, rng),
            Self::XavierNormal { gain } => normal(shape, xavier(gain), dtype, rng),
            Self::KaimingUniform { slope } => uniform(shape, root3 * kaiming(slope), dtype, rng),
            Self::KaimingNormal { slope } => normal(shape, kaiming(slope), dtype, rng),
            Self::Orthogonal { gain } => orthogonal(shape, gain, dtype, rng),
        }
    }

    fn check(&self, dtype: DType) -> Result<()> {
        if !dtype.is_float() {
            return Err(Error::dtype(format!("init: weights are floats, which {dtype} is not")));
        }
        match *self {
            Self::Zeros => Ok(()),
            Self::Constant(x) if x.is_finite() => Ok(()),
            Self::Normal { std: x }
            | Self::Uniform { bound: x }
            | Self::XavierUniform { gain: x }
            | Self::XavierNormal { gain: x }
            | Self::KaimingUniform { slope: x }
            | Self::KaimingNormal { slope: x }
            | Self::Orthogonal { gain: x }
                if x.is_finite() && x >= 0.0 =>
            {
                Ok(())
            }
            _ => Err(Error::value(format!("init: {self:?} is out of range"))),
        }
    }
}

fn uniform(shape: Shape, bound: f64, dtype: DType, rng: &mut Rng) -> Result<Tensor> {
    Tensor::uniform(shape, -bound, bound, dtype, rng)
}

fn normal(shape: Shape, std: f64, dtype: DType, rng: &mut Rng) -> Result<Tensor> {
    Tensor::randn(shape, DType::F64, rng)?.mul(&std.into())?.cast(dtype)
}

/// Gram and Schmidt's procedure on normally distributed vectors, done twice: once leaves an error that
/// grows with the condition of the vectors, twice is enough (L. Giraud, J. Langou and M. Rozložník,
/// Computers and Mathematics with Applications 50, 2005).
fn orthogonal(shape: Shape, gain: f64, dtype: DType, rng: &mut Rng) -> Result<Tensor> {
    if shape.rank() < 2 {
        return Err(Error::shape(format!("init: an orthogonal matrix has two axes, {shape} has {}", shape.rank())));
    }
    let (rows, columns) = (shape[0], shape.numel_checked()?.checked_div(shape[0]).unwrap_or(0));
    let (count, length) = (rows.min(columns), rows.max(columns));
    // Row after row.
    let mut basis: Vec<f64> = Vec::new();
    let too_large = |_| Error::memory(format!("init: {shape} is too large to make orthogonal"));
    basis.try_reserve_exact(count * length).map_err(too_large)?;
    while basis.len() < count * length {
        let mut v = Tensor::randn([length], DType::F64, rng)?.to_vec::<f64>()?;
        for _ in 0..2 {
            for u in basis.chunks_exact(length) {
                let along = dot(u, &v);
                v.iter_mut().zip(u).for_each(|(v, u)| *v -= along * u);
            }
            let norm = dot(&v, &v).sqrt();
            v.iter_mut().for_each(|v| *v /= norm);
        }
        // A draw within the span of the others, which happens almost never, is drawn again.
        if v.iter().all(|v| v.is_finite()) {
            basis.extend(v);
        }
    }
    let matrix = Tensor::from_vec(basis, [count, length])?.mul(&gain.into())?;
    let matrix = if rows <= columns { matrix } else { matrix.t() };
    matrix.reshape(shape)?.cast(dtype)
}

fn dot(x: &[f64], y: &[f64]) -> f64 {
    x.iter().zip(y).map(|(x, y)| x * y).sum()
}
