//! Linear algebra, which is in a crate of its own.
//!
//! Some results are not unique. Singular vectors, eigenvectors and the columns of Q are so up to a sign each, which is
//! constant near a point and taken from the reference. Other choices than signs are at each operation.

use wengert_autograd::Var;
use wengert_linalg::{LinearAlgebra, MatrixNorm, Triangle};
use wengert_tensor::{DType, Tensor};

use super::shape::pair;
use super::table;
use crate::args::{Args, axis};

table! {
    "linalg.cholesky(input, upper=false)" => |a| {
        let l = symmetric(a, a.flag("upper")).cholesky();
        if a.flag("upper") { l.t() } else { l }
    };
    "linalg.det(input)" => |a| a.x().det();
    "linalg.slogdet(input)" => |a| <[_; 2]>::from(a.x().slogdet());
    "logdet(input)" => |a| a.x().logdet();
    "linalg.inv(input)" => |a| a.x().inverse();
    "linalg.solve(input, other, left=true)" => |a| solve(a);
    "linalg.solve_triangular(input, other, upper, left=true, unitriangular=false)" => |a| solve_triangular(a);
    "linalg.lstsq(input, other, rcond=null, driver=null)" => |a| lstsq(a);
    "linalg.matrix_power(input, n)" => |a| a.x().matrix_power(a.int("n") as i32);
    "linalg.matrix_norm(input, ord=\"fro\", dim=[-2,-1], keepdim=false, dtype=null)" =>
        |a| matrix_norm(a, pair(a.ints("dim")), "ord");
    "linalg.qr(input, mode=\"reduced\")" => |a| qr(a);
    "linalg.eigh(input, UPLO=\"L\")" => |a| eigh(a);
    "linalg.svd(input, full_matrices=true, driver=null)" => |a| svd(a);
}

/// The argument as the reference reads it where it presumes a symmetric matrix: its values are those of one triangle,
/// its derivatives those of the symmetric part.
fn symmetric<'t>(a: &Args<'t>, upper: bool) -> Var<'t> {
    let x = a.x();
    let mirrored = if upper { x.triu(0) + x.triu(1).t() } else { x.tril(0) + x.tril(-1).t() };
    let part = 0.5 * (x + x.t());
    mirrored.detach() + (part - part.detach())
}

/// For each column, 1 or -1: the sign that makes it nearer to the reference's result number `i`. A row of numbers.
fn signs<'t>(a: &Args<'t>, columns: Var<'t>, i: usize) -> Var<'t> {
    let [.., m, n] = columns.shape()[..] else { panic!("no matrices") };
    let reference = a.reference(i).narrow(-1, 0, n).narrow(-2, 0, m);
    let same = (columns * reference).sum_keep(-2).greater_equal(0.0);
    2.0 * same.cast(DType::F64) - 1.0
}

fn qr<'t>(a: &Args<'t>) -> Vec<Var<'t>> {
    let x = a.x();
    let [.., m, n] = x.shape()[..] else { panic!("no matrices") };
    let reduced = a.says("mode", "reduced") || a.says("mode", "complete") && m <= n;
    assert!(reduced, "a QR factorisation that is not reduced");
    let (q, r) = x.qr();
    let sign = signs(a, q, 0);
    vec![q * sign, r * sign.t()]
}

fn eigh<'t>(a: &Args<'t>) -> Vec<Var<'t>> {
    let (values, vectors) = symmetric(a, a.says("UPLO", "U")).eigh();
    vec![values, vectors * signs(a, vectors, 1)]
}

fn svd<'t>(a: &Args<'t>) -> Vec<Var<'t>> {
    let (u, s, vt) = a.x().svd();
    let sign = signs(a, u, 0);
    let (u, v) = (u * sign, (vt * sign.t()).t());
    match a.flag("full_matrices") {
        true => vec![completed(u, a.reference(0)), s, completed(v, a.reference(2).t()).t()],
        false => vec![u, s, v.t()],
    }
}

/// Orthonormal columns completed to a square matrix. The last columns are any basis of what is orthogonal to the
/// first, and have no derivative in the reference either; its own are taken, after a check that they are such a basis.
fn completed<'t>(columns: Var<'t>, reference: Var<'t>) -> Var<'t> {
    let [.., m, n] = columns.shape()[..] else { panic!("no matrices") };
    if m == n {
        return columns;
    }
    let whole = Var::concat(&[columns.detach(), reference.narrow(-1, n, m - n)], -1);
    let one = columns.tape().input(&Tensor::eye(m, DType::F64).expect("a small matrix"));
    let off = (whole.t().matmul(whole) - one).abs().sum().item().expect("a number");
    assert!(off < 1e-10 * whole.shape().numel().max(1) as f64, "the reference does not complete the columns");
    Var::concat(&[columns, reference.narrow(-1, n, m - n)], -1)
}

/// A right side is a vector, or a batch of vectors where it has the shape of the matrices' rows.
fn solve<'t>(a: &Args<'t>) -> Var<'t> {
    let (x, b) = (a.x(), a.real("other"));
    let lead = &x.shape()[..x.rank() - 1];
    let vectors = b.rank() == 1 || b.rank() + 1 == x.rank() && b.shape()[..] == *lead;
    match (vectors, a.flag("left")) {
        (true, true) => x.solve(&b.unsqueeze(-1)).squeeze(-1),
        (true, false) => x.t().solve(&b.unsqueeze(-1)).squeeze(-1),
        (false, true) => x.solve(&b),
        (false, false) => x.t().solve(&b.t()).t(),
    }
}

fn solve_triangular<'t>(a: &Args<'t>) -> Var<'t> {
    let (x, b) = (a.x(), a.real("other"));
    let part = match (a.flag("upper"), a.flag("unitriangular")) {
        (false, false) => Triangle::Lower,
        (true, false) => Triangle::Upper,
        (false, true) => Triangle::UnitLower,
        (true, true) => Triangle::UnitUpper,
    };
    match a.flag("left") {
        true => x.solve_triangular(&b, part),
        false => x.t().solve_triangular(&b.t(), part.transposed()).t(),
    }
}

/// The solution; the squares of residuals where there are more rows than columns; rank and singular values where the
/// driver finds them.
fn lstsq<'t>(a: &Args<'t>) -> Vec<Var<'t>> {
    let (x, b) = (a.x(), a.real("other"));
    let [.., m, n] = x.shape()[..] else { panic!("no matrices") };
    let solution = x.lstsq(&b);
    let none = |dtype| a.tape.input(&Tensor::zeros([0], dtype).expect("no elements"));
    let residuals = match m > n && !a.says("driver", "gelsy") {
        true => (x.matmul(solution) - b).square().sum_axes(-2),
        false => none(DType::F64),
    };
    let (has_rank, has_values) = (!a.says("driver", "gels"), a.says("driver", "gelsd") || a.says("driver", "gelss"));
    let mut results = vec![solution, residuals];
    // Variants of the samples leave out what has no derivative.
    if a.references() > 2 {
        results.push(if has_rank { x.matrix_rank() } else { none(DType::I64) });
        results.push(if has_values { x.singular_values() } else { none(DType::F64) });
    }
    results
}

/// A norm over two axes, that of rows and that of columns.
pub fn matrix_norm<'t>(a: &Args<'t>, axes: [isize; 2], ord: &str) -> Var<'t> {
    let norm = match () {
        () if a.says(ord, "fro") => MatrixNorm::Frobenius,
        () if a.says(ord, "nuc") => MatrixNorm::Nuclear,
        () => match a.float(ord) {
            1.0 => MatrixNorm::LargestColumn,
            -1.0 => MatrixNorm::SmallestColumn,
            2.0 => MatrixNorm::Spectral,
            -2.0 => MatrixNorm::SmallestSingular,
            f64::INFINITY => MatrixNorm::LargestRow,
            f64::NEG_INFINITY => MatrixNorm::SmallestRow,
            other => panic!("no matrix norm {other}"),
        },
    };
    let y = a.x().matrix_norm_axes(norm, axes);
    if a.flag("keepdim") { y.reshape(a.x().shape().ones_at(&axes.map(|i| axis(i, a.x().rank())))) } else { y }
}
