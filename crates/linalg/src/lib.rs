//! Linear algebra with derivatives of any order: solving, factorisations, determinants, norms.
//!
//! [`LinearAlgebra`] adds methods to [`Var`] and to [`Tensor`]. The matrices lie along the last two axes;
//! leading axes are a batch. Floats only, `f32` and `f64`; the numbers are computed by the `faer` crate, one matrix
//! after another.
//!
//! This crate is built from the outside on what `wengert_autograd` offers to all: each of its few operations is a
//! [`Rule`](wengert_autograd::op::Rule) recorded as [`Custom`](wengert_autograd::op::Custom), whose derivatives are
//! written with operators of `Var`; everything else is composed of them. A program that does not need
//! linear algebra does not compile it.
//!
//! ```
//! use wengert_autograd::grad;
//! use wengert_linalg::LinearAlgebra;
//! use wengert_tensor::Tensor;
//!
//! // The gradient of log det A is the transposed inverse.
//! let a = Tensor::from([[2.0, 1.0], [0.0, 4.0]]);
//! let g = grad(|a| a.logdet(), &a)?;
//! assert!(g.allclose(&a.inverse()?.t(), 1e-12, 0.0)?);
//! # Ok::<(), wengert_tensor::Error>(())
//! ```
//!
//! What does not exist is an error when the value is asked for, with the place in the batch:
//! `solve: matrix 3 of the batch is singular`.

#![forbid(unsafe_code)]

mod compose;
mod matrices;
mod op;
mod tensor;
mod var;

#[cfg(doc)]
use {wengert_autograd::Var, wengert_tensor::Tensor};

/// Which part of a matrix is not zero; with `Unit`, the diagonal is ones. What is elsewhere is not read.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Triangle {
    /// On the diagonal and below.
    Lower,
    /// On the diagonal and above.
    Upper,
    /// Below the diagonal, which is ones.
    UnitLower,
    /// Above the diagonal, which is ones.
    UnitUpper,
}

impl Triangle {
    /// The part of the transposed matrix.
    pub fn transposed(self) -> Self {
        match self {
            Self::Lower => Self::Upper,
            Self::Upper => Self::Lower,
            Self::UnitLower => Self::UnitUpper,
            Self::UnitUpper => Self::UnitLower,
        }
    }
}

/// A norm of matrices.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum MatrixNorm {
    /// The root of the sum of squares of all elements: `fro`.
    Frobenius,
    /// The sum of the singular values: `nuc`.
    Nuclear,
    /// The largest singular value: 2.
    Spectral,
    /// The smallest singular value: -2, no norm in truth.
    SmallestSingular,
    /// The largest sum of sizes in a column: 1.
    LargestColumn,
    /// The smallest sum of sizes in a column: -1, no norm in truth.
    SmallestColumn,
    /// The largest sum of sizes in a row: infinity.
    LargestRow,
    /// The smallest sum of sizes in a row: -infinity, no norm in truth.
    SmallestRow,
}

/// Linear algebra on the matrices of the last two axes, the same for variables and for tensors.
pub trait LinearAlgebra: Sized {
    /// What is returned where `T` is the answer: `T` itself for a [`Var`], whose mistakes wait on its tape, and
    /// `Result<T>` for a [`Tensor`].
    type Out<T>;

    /// The lower triangular L with a positive diagonal and L Lᵀ = A, for the symmetric part A = (X + Xᵀ) / 2
    /// of each matrix X. The upper factor is its transpose.
    ///
    /// ```
    /// # use wengert_linalg::LinearAlgebra;
    /// # use wengert_tensor::Tensor;
    /// let l = Tensor::from([[4.0, 2.0], [2.0, 10.0]]).cholesky()?;
    /// assert_eq!(l, Tensor::from([[2.0, 0.0], [1.0, 3.0]]));
    /// # Ok::<(), wengert_tensor::Error>(())
    /// ```
    ///
    /// # Errors
    /// A matrix that is not positive definite, or has NaN or infinity in it.
    #[track_caller]
    fn cholesky(&self) -> Self::Out<Self>;

    /// The X with A X = B. B is a vector, or matrices whose columns are solved for; leading axes broadcast.
    /// Each matrix is factorised once for its values and all its derivatives.
    ///
    /// ```
    /// # use wengert_linalg::LinearAlgebra;
    /// # use wengert_tensor::Tensor;
    /// let a = Tensor::from([[2.0, 0.0], [1.0, 4.0]]);
    /// assert_eq!(a.solve(&Tensor::from([2.0, 9.0]))?, Tensor::from([1.0, 2.0]));
    /// # Ok::<(), wengert_tensor::Error>(())
    /// ```
    ///
    /// # Errors
    /// A singular matrix.
    #[track_caller]
    fn solve(&self, b: &Self) -> Self::Out<Self>;

    /// The X with T X = B for the triangular part T of this. For X T = B, solve Tᵀ Xᵀ = Bᵀ.
    ///
    /// ```
    /// # use wengert_linalg::{LinearAlgebra, Triangle};
    /// # use wengert_tensor::Tensor;
    /// let t = Tensor::from([[2.0, f64::NAN], [1.0, 4.0]]);
    /// assert_eq!(t.solve_triangular(&Tensor::from([2.0, 9.0]), Triangle::Lower)?, Tensor::from([1.0, 2.0]));
    /// # Ok::<(), wengert_tensor::Error>(())
    /// ```
    ///
    /// # Errors
    /// A zero on the diagonal.
    #[track_caller]
    fn solve_triangular(&self, b: &Self, part: Triangle) -> Self::Out<Self>;

    /// The inverse. To multiply by it, [`solve`](Self::solve) is faster and more exact.
    ///
    /// # Errors
    /// A singular matrix.
    #[doc(alias = "inv")]
    #[track_caller]
    fn inverse(&self) -> Self::Out<Self>;

    /// The determinant. Its first derivative, the matrix of cofactors, is right at singular matrices too; the
    /// second needs the inverse.
    #[doc(alias = "determinant")]
    #[track_caller]
    fn det(&self) -> Self::Out<Self>;

    /// The sign of the determinant and the logarithm of its size: 0 and -∞ for singular matrices. Both are
    /// in range where the determinant is not. The sign has no derivative.
    #[track_caller]
    fn slogdet(&self) -> Self::Out<(Self, Self)>;

    /// The logarithm of the determinant, NaN where that is negative.
    #[track_caller]
    fn logdet(&self) -> Self::Out<Self>;

    /// Q with orthonormal columns and R upper triangular with Q R = A: of [.., m, n], Q is [.., m, k] and R
    /// [.., k, n] with k = min(m, n). The signs are those of Householder reflections, as LAPACK's: R's diagonal may
    /// be negative.
    ///
    /// Derivatives need the first k columns to be independent.
    ///
    /// # Errors
    /// A matrix with NaN or infinity.
    #[track_caller]
    fn qr(&self) -> Self::Out<(Self, Self)>;

    /// The singular value decomposition (U, s, Vᵀ) with U diag(s) Vᵀ = A: of [.., m, n], U is [.., m, k], s is
    /// [.., k] from the largest down, Vᵀ is [.., k, n], k = min(m, n).
    ///
    /// Singular vectors are unique up to sign where singular values differ; of each u the element of largest size is
    /// positive. Their derivatives are infinite or NaN where two singular values are equal, and, for matrices that
    /// are not square, where one is 0. [`singular_values`](Self::singular_values) have derivatives there too.
    ///
    /// # Errors
    /// A matrix with NaN or infinity.
    #[track_caller]
    fn svd(&self) -> Self::Out<(Self, Self, Self)>;

    /// The singular values alone, from the largest down.
    ///
    /// # Errors
    /// A matrix with NaN or infinity.
    #[doc(alias = "svdvals")]
    #[track_caller]
    fn singular_values(&self) -> Self::Out<Self>;

    /// The eigenvalues λ, from the smallest up, and in the columns of V the orthonormal eigenvectors of the symmetric
    /// part A = (X + Xᵀ) / 2 of each matrix X: A V = V diag(λ).
    ///
    /// Eigenvectors are unique up to sign where eigenvalues differ; of each the element of largest size is
    /// positive. Their derivatives are infinite or NaN where two eigenvalues are equal;
    /// [`eigenvalues_symmetric`](Self::eigenvalues_symmetric) have derivatives there too.
    ///
    /// # Errors
    /// A matrix with NaN or infinity.
    #[doc(alias("eig", "eigen", "symeig"))]
    #[track_caller]
    fn eigh(&self) -> Self::Out<(Self, Self)>;

    /// The eigenvalues alone of the symmetric part of each matrix, from the smallest up.
    ///
    /// # Errors
    /// A matrix with NaN or infinity.
    #[doc(alias = "eigvalsh")]
    #[track_caller]
    fn eigenvalues_symmetric(&self) -> Self::Out<Self>;

    /// The X with the least |A X - B|, and of those, for fewer rows than columns, the least |X|. A is of
    /// full rank. B is as for [`solve`](Self::solve).
    ///
    /// # Errors
    /// A matrix whose rank is found to be less than full.
    #[track_caller]
    fn lstsq(&self, b: &Self) -> Self::Out<Self>;

    /// The Moore-Penrose inverse of matrices of full rank.
    ///
    /// # Errors
    /// As [`lstsq`](Self::lstsq).
    #[doc(alias = "pseudo_inverse")]
    #[track_caller]
    fn pinv(&self) -> Self::Out<Self>;

    /// The product of n of each matrix, or of its inverse where n is negative; the identity for 0.
    ///
    /// # Errors
    /// A singular matrix to a negative power.
    #[track_caller]
    fn matrix_power(&self, n: i32) -> Self::Out<Self>;

    /// A norm of each matrix.
    #[track_caller]
    fn matrix_norm(&self, norm: MatrixNorm) -> Self::Out<Self>;

    /// A norm of the matrices whose rows and columns lie along the axes `[rows, columns]`, which are dropped.
    ///
    /// # Errors
    /// An axis that does not exist, one axis given twice.
    #[doc(alias = "norm")]
    #[track_caller]
    fn matrix_norm_axes(&self, norm: MatrixNorm, axes: [isize; 2]) -> Self::Out<Self>;

    /// The rank of each matrix, of I64: how many singular values are larger than ε max(m, n) times the largest, with
    /// the ε of the dtype. It has no derivative.
    ///
    /// ```
    /// # use wengert_linalg::LinearAlgebra;
    /// # use wengert_tensor::Tensor;
    /// assert_eq!(Tensor::from([[1.0, 2.0], [2.0, 4.0]]).matrix_rank()?, Tensor::from(1));
    /// # Ok::<(), wengert_tensor::Error>(())
    /// ```
    ///
    /// # Errors
    /// A matrix with NaN or infinity.
    #[track_caller]
    fn matrix_rank(&self) -> Self::Out<Self>;
}
