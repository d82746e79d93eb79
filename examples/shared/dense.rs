//! A small system of linear equations, solved by elimination.

use crate::shared::Outcome;

/// The x with A x = b, for the rows of A; partial pivoting.
///
/// # Errors
/// A matrix that is singular.
pub fn solve(rows: &[Vec<f64>], b: &[f64]) -> Outcome<Vec<f64>> {
    let n = b.len();
    let mut a: Vec<Vec<f64>> = rows.iter().zip(b).map(|(row, &b)| row.iter().copied().chain([b]).collect()).collect();
    for k in 0..n {
        let pivot = (k..n).max_by(|&i, &j| a[i][k].abs().total_cmp(&a[j][k].abs())).unwrap_or(k);
        a.swap(k, pivot);
        let row = a[k].clone();
        if row[k] == 0.0 || !row[k].is_finite() {
            return Err("the system of equations is singular".into());
        }
        for below in &mut a[k + 1..] {
            let factor = below[k] / row[k];
            below.iter_mut().zip(&row).skip(k).for_each(|(x, above)| *x -= factor * above);
        }
    }
    let mut x = vec![0.0; n];
    for k in (0..n).rev() {
        let known: f64 = (k + 1..n).map(|j| a[k][j] * x[j]).sum();
        x[k] = (a[k][n] - known) / a[k][k];
    }
    Ok(x)
}
